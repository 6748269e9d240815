"""MediaPipe's face mesh: its detector for near faces, then 468 landmarks, tracked from frame to frame. It names no expression; its
newer task that gives 52 blend shapes needs a file that no package carries."""
import cv2
import mediapipe
import numpy as np

import serve


class Peer:
    native_ns = 0

    def __init__(self):
        cv2.setNumThreads(1)
        self.begin(1)

    def begin(self, faces):
        self.mesh = mediapipe.solutions.face_mesh.FaceMesh(static_image_mode=False, max_num_faces=faces)

    def see(self, data, is_jpeg):
        data = np.frombuffer(data, np.uint8)
        if is_jpeg:
            frame = cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        else:
            frame = cv2.cvtColor(data.reshape(480, 640, 2), cv2.COLOR_YUV2RGB_YUYV)
        found = self.mesh.process(frame).multi_face_landmarks or []
        return [(box(face.landmark), None) for face in found]


def box(landmarks):
    xs, ys = [p.x * 640 for p in landmarks], [p.y * 480 for p in landmarks]
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


if __name__ == "__main__":
    serve.serve(Peer())
