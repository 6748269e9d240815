"""ONNX Runtime as guard_of_kernels asks it, in a process of its own: NET.onnx WIDTH HEIGHT CHANNELS; answers `run N` on stdin."""
import sys

import numpy as np
import onnxruntime


def main():
    path, (width, height, channels) = sys.argv[1], map(int, sys.argv[2:5])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    wanted = session.get_inputs()[0]
    values = np.random.default_rng(1).integers(0, 256, (1, channels, height, width))
    feeds = {wanted.name: values.astype(np.uint8 if "uint8" in wanted.type else np.float32)}
    for line in sys.stdin:
        for _ in range(int(line.split()[1])):
            session.run(None, feeds)
        print("done", flush=True)


if __name__ == "__main__":
    main()
