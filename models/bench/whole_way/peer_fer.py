"""PyPI's `fer` as its own page shows it: `FER().detect_emotions(frame)`, OpenCV's cascade and mini-XCEPTION in TensorFlow."""
import serve  # first: it sets how many threads TensorFlow may have

import cv2
import fer.fer
import numpy as np

ORDER = "angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"


class Peer:
    native_ns = 0

    def __init__(self):
        cv2.setNumThreads(1)
        self.detector = fer.fer.FER()

    def begin(self, faces):
        pass

    def see(self, data, is_jpeg):
        data = np.frombuffer(data, np.uint8)
        if is_jpeg:
            frame = cv2.imdecode(data, cv2.IMREAD_COLOR)
        else:
            frame = cv2.cvtColor(data.reshape(480, 640, 2), cv2.COLOR_YUV2BGR_YUYV)
        found = self.detector.detect_emotions(frame)
        return [(face["box"], [float(face["emotions"][name]) for name in ORDER]) for face in found]


if __name__ == "__main__":
    serve.serve(Peer())
