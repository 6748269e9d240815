"""OpenCV's YuNet, then big XCEPTION in ONNX Runtime: what a programmer would write today. peer_opencv.py YUNET XCEPTION [SCALE]

YuNet sees half of the frame's size, which is kind to it: 320x240, as ours sees 320x256. The square that XCEPTION is shown has the box's
longer side times SCALE, the best of 0.8 to 1.35 on 300 training faces.
"""
import sys
import time

import cv2
import numpy as np
import onnxruntime

import serve

SIZE = 320, 240
THRESHOLD = 0.6
SCALE = 0.9


class Peer:
    def __init__(self, yunet, xception, scale=SCALE):
        cv2.setNumThreads(1)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.detector = cv2.FaceDetectorYN.create(yunet, "", SIZE, THRESHOLD)
        self.session = onnxruntime.InferenceSession(xception, options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name
        self.scale, self.native_ns = float(scale), 0

    def begin(self, faces):
        pass

    def native(self, function, *arguments):
        """Calls it and counts its time: a program in C++ would spend only that."""
        before = time.thread_time_ns()
        result = function(*arguments)
        self.native_ns += time.thread_time_ns() - before
        return result

    def see(self, data, is_jpeg):
        data = np.frombuffer(data, np.uint8)
        if is_jpeg:
            frame = self.native(cv2.imdecode, data, cv2.IMREAD_COLOR)
        else:
            frame = self.native(cv2.cvtColor, data.reshape(480, 640, 2), cv2.COLOR_YUV2BGR_YUYV)
        small = self.native(cv2.resize, frame, SIZE)
        _, found = self.native(self.detector.detect, small)
        return [] if found is None else [self.read(frame, face[:4] * 2) for face in found]

    def read(self, frame, box):
        x, y, w, h = box
        side = max(w, h) * self.scale
        left, top = x + w / 2 - side / 2, y + h / 2 - side / 2
        part = frame[max(int(top), 0) : int(top + side), max(int(left), 0) : int(left + side)]
        grey = self.native(cv2.cvtColor, part, cv2.COLOR_BGR2GRAY)
        crop = self.native(cv2.resize, grey, (64, 64), None, 0, 0, cv2.INTER_AREA)
        values = self.native(self.normal, crop)
        scores = self.native(self.session.run, None, {self.input: values})[0]
        return box, scores.ravel().tolist()

    @staticmethod
    def normal(crop):
        return (crop.astype(np.float32) * (1 / 127.5) - 1).reshape(1, 64, 64, 1)


if __name__ == "__main__":
    serve.serve(Peer(*sys.argv[1:]))
