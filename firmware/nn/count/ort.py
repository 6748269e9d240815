"""Runs an ONNX file some times with ONNX Runtime on one thread, for tools that count what a process did:
ort.py NET.onnx TIMES WIDTH HEIGHT."""

import sys

import numpy
import onnxruntime

path, (times, width, height) = sys.argv[1], map(int, sys.argv[2:5])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
feeds = {}
for one in session.get_inputs():
    shape = [1, one.shape[1], height, width]
    size = int(numpy.prod(shape))
    values = (numpy.arange(size) ** 2 // 251 % 256).reshape(shape)
    feeds[one.name] = values.astype(numpy.uint8 if "uint8" in one.type else numpy.float32)
for _ in range(times):
    outputs = session.run(None, feeds)
print([(one.name, one.type, one.shape) for one in session.get_inputs()], [one.shape for one in outputs])
