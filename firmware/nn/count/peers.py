"""What others take for the same work on one thread, for tools that count what a process did:
peers.py NET.onnx|NET.tflite TIMES [WIDTH HEIGHT] runs a net, peers.py parts TIMES the parts of a frame before and after the nets with OpenCV.
`os.getppid` before and after each is the tool's mark."""

import os
import sys

import numpy


def picture(shape):
    return (numpy.arange(numpy.prod(shape)) ** 2 // 251 % 256).reshape(shape)


def onnxruntime(path, width, height):
    """What runs the net once, outputs bound, so that nothing is copied for Python."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    for one in session.get_inputs():
        values = picture((1, one.shape[1], height, width))
        binding.bind_cpu_input(one.name, values.astype(numpy.uint8 if "uint8" in one.type else numpy.float32))
    for one in session.get_outputs():
        binding.bind_output(one.name)
    return lambda: session.run_with_iobinding(binding)


def xnnpack(path, width, height):
    """LiteRT's interpreter, which gives the whole net to XNNPACK."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=path, num_threads=1)
    interpreter.allocate_tensors()
    asked = interpreter.get_input_details()[0]
    interpreter.set_tensor(asked["index"], (picture((1, height, width, asked["shape"][3])) - 128).astype(numpy.int8))
    return interpreter.invoke


def parts():
    """Letterbox of a 640x480 YUYV picture, and a turned face cut out of it: the quickest of OpenCV's ways with the same result."""
    import cv2

    cv2.setNumThreads(1)
    frame = picture((480, 640, 2)).astype(numpy.uint8)
    sin, cos = numpy.sin(0.2) * 3, numpy.cos(0.2) * 3
    turn = numpy.array([[cos, -sin, 320 - 24 * (cos - sin)], [sin, cos, 240 - 24 * (sin + cos)]])

    def letterbox():
        small = cv2.resize(cv2.cvtColor(frame, cv2.COLOR_YUV2RGB_YUYV), (320, 240), interpolation=cv2.INTER_AREA)
        cv2.copyMakeBorder(small, 0, 16, 0, 0, cv2.BORDER_CONSTANT, value=(128, 128, 128))

    def align():
        grey = cv2.cvtColor(frame[140:340, 220:420], cv2.COLOR_YUV2GRAY_YUYV)
        cv2.warpAffine(grey, turn - [[0, 0, 220], [0, 0, 140]], (48, 48), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)

    return [letterbox, align]


def main(what, times, width=0, height=0):
    if what == "parts":
        runs = parts()
    else:
        runs = [(xnnpack if what.endswith(".tflite") else onnxruntime)(what, int(width), int(height))]
    for _ in range(int(times)):
        for run in runs:
            os.getppid()
            run()
            os.getppid()


main(*sys.argv[1:])
