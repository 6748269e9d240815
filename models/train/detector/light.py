"""What cameras and bad light do to a view, BGR or grey."""
import math

import cv2
import numpy as np


def light(rng, view):
    """Contrast, brightness, gamma, darkness, blur, noise, JPEG."""
    x = np.arange(256, dtype=np.float32) / 255
    if rng.random() < 0.75:
        x = x ** math.exp(rng.normal(0, 0.35))
        x = (x - 0.5) * math.exp(rng.normal(0, 0.3)) + 0.5 + rng.normal(0, 0.12)
    if rng.random() < 0.10:
        x = x * rng.uniform(0.08, 0.4) + rng.uniform(0, 0.05)
    u = rng.random()
    if u < 0.12:
        view = cv2.GaussianBlur(view, (0, 0), rng.uniform(0.5, 1.8))
    elif u < 0.2:
        n = int(rng.integers(3, 8))
        kernel = np.zeros((n, n), np.float32)
        cv2.line(kernel, tuple(int(v) for v in rng.integers(0, n, 2)), (n // 2, n // 2), 1)
        view = cv2.filter2D(view, -1, kernel / kernel.sum())
    elif u < 0.28:
        f = rng.uniform(0.35, 0.8)
        view = cv2.resize(cv2.resize(view, None, fx=f, fy=f), view.shape[1::-1])
    view = cv2.LUT(view, np.clip(x * 255, 0, 255).astype(np.uint8))
    if rng.random() < 0.25:
        noise = np.empty(view.shape, np.int16)
        cv2.setRNGSeed(int(rng.integers(1 << 30)))
        cv2.randn(noise, 0, rng.uniform(2, 14))
        view = cv2.add(view, noise, dtype=cv2.CV_8U)
    if rng.random() < 0.15:
        view = cv2.imdecode(cv2.imencode(".jpg", view, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 70))])[1], cv2.IMREAD_UNCHANGED)
    return view


def tint(rng, view):
    """Colours as cameras differ in them; a part of the views has none, as infrared cameras and luma-only ways do."""
    u = rng.random()
    if u < 0.3:
        return cv2.cvtColor(cv2.cvtColor(view, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    if u < 0.65:
        gain = np.exp(rng.normal(0, 0.15, 3)).astype(np.float32)
        grey = cv2.cvtColor(view, cv2.COLOR_BGR2GRAY)[..., None].astype(np.float32)
        view = np.clip((grey + (view - grey) * np.float32(rng.uniform(0.3, 1.5))) * gain, 0, 255).astype(np.uint8)
    return view
