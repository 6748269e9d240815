"""A clip as a camera gives it: `python -m models.train.classifier.feed CLIP RATE NOTE` writes YUV4MPEG2 to its standard output, RATE frames a second of real time.

The first frame stands still for a second before the clip begins, so that the face is known by then; when it began is written into NOTE, in seconds since 1970. The last
frame stands still, too, until nobody reads any more.
"""
import sys
import time
from pathlib import Path

import cv2

LEAD_S, REST_S = 1.0, 1.5


def planes(picture):
    """4:2:0, limited range; sides made even by leaving a row or column out."""
    h, w = picture.shape[0] // 2 * 2, picture.shape[1] // 2 * 2
    return cv2.cvtColor(picture[:h, :w], cv2.COLOR_BGR2YUV_I420).tobytes(), (w, h)


def at_rate(pictures, own_rate, rate):
    """Of a film's frames those that a camera of this rate would give: the last one before each moment."""
    count = int(len(pictures) / own_rate * rate)
    return [pictures[min(int(k / rate * own_rate + 1e-6), len(pictures) - 1)] for k in range(count)]


def read_clip(path, rate):
    """Frames as `planes`, all of them at `rate`, and their size."""
    video = cv2.VideoCapture(str(path))
    own, out, size = video.get(cv2.CAP_PROP_FPS), [], None
    while True:
        good, picture = video.read()
        if not good:
            break
        data, size = planes(picture)
        out.append(data)
    if not out:
        raise SystemExit(f"{path} holds no film that OpenCV can read")
    return at_rate(out, own, rate), size


def main():
    path, rate, note = sys.argv[1], float(sys.argv[2]), Path(sys.argv[3])
    cv2.setNumThreads(1)
    frames, (w, h) = read_clip(path, rate)
    lead, out = round(LEAD_S * rate), sys.stdout.buffer
    out.write(f"YUV4MPEG2 W{w} H{h} F{round(rate)}:1 C420 XCOLORRANGE=LIMITED\n".encode())
    began = time.monotonic()
    for k, frame in enumerate([frames[0]] * lead + frames + [frames[-1]] * round(REST_S * rate)):
        time.sleep(max(0.0, began + k / rate - time.monotonic()))
        if k == lead:
            note.write_text(f"{time.time():.4f}\n")
        try:
            out.write(b"FRAME\n" + frame)
            out.flush()
        except BrokenPipeError:
            return


if __name__ == "__main__":
    main()
