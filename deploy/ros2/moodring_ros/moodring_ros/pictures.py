"""What robots' cameras publish, as JPEG: sensor_msgs/Image in the encodings of sensor_msgs/image_encodings. No ROS.

An image has `encoding`, `width`, `height`, `step` (bytes a row), `is_bigendian` and `data`.
"""

import io

from PIL import Image as Picture

LARGEST_PX = 8192

# 8 bits a channel: PIL's mode, its raw mode, bytes a pixel. 8UC... are OpenCV's, whose order is BGR.
PACKED = {
    "rgb8": ("RGB", "RGB", 3),
    "bgr8": ("RGB", "BGR", 3),
    "rgba8": ("RGB", "RGBX", 4),
    "bgra8": ("RGB", "BGRX", 4),
    "mono8": ("L", "L", 1),
    "8UC1": ("L", "L", 1),
    "8UC3": ("RGB", "BGR", 3),
    "8UC4": ("RGB", "BGRX", 4),
}
# 16 bits a channel: the encoding of its higher bytes, channels.
DEEP = {"rgb16": ("rgb8", 3), "bgr16": ("bgr8", 3), "rgba16": ("rgba8", 4), "bgra16": ("bgra8", 4)}
# Two pixels in four bytes: where Y, U and V begin. `yuv422` is UYVY; the later names are of ROS 2 after Humble.
PAIRS = {"yuv422_yuy2": (0, 1, 3), "yuyv": (0, 1, 3), "yuv422": (1, 0, 2), "uyvy": (1, 0, 2)}
# Y, then both colours in turn: bytes of colour a row, rows of luma a row of colour, where U and V begin.
PLANES = {"nv12": (1, 2, 0, 1), "nv21": (1, 2, 1, 0), "nv24": (2, 1, 0, 1)}
# A filter of colours over the pixels: which of four neighbours is red and blue (top left, top right, below them).
FILTERS = {"rggb": (0, 3), "bggr": (3, 0), "gbrg": (2, 1), "grbg": (1, 2)}
BAYER = {f"bayer_{name}{bits}": (places, bits // 8) for name, places in FILTERS.items() for bits in (8, 16)}
DEPTH = ("16UC1", "32FC1")

ENCODINGS = (*PACKED, "mono16", *DEEP, *PAIRS, *PLANES, *BAYER)


def to_jpeg(image, quality):
    """An image message as JPEG. Raises `ValueError` with words for what it cannot be made of."""
    encoding = image.encoding
    if encoding in DEPTH:
        raise ValueError(f"{encoding} is a picture of distances; faces are read in one of colours or light")
    if encoding not in ENCODINGS:
        raise ValueError(f"the encoding {encoding!r:.40} is not read; there are {', '.join(ENCODINGS)}, or compressed images")
    width, height = image.width, image.height
    if not (0 < width <= LARGEST_PX and 0 < height <= LARGEST_PX):
        raise ValueError(f"{width}x{height} is no size of a picture")
    # A row is filled up to its step: no stranger's number may fill the memory.
    if image.step > 16 * LARGEST_PX:
        raise ValueError(f"rows of {image.step} bytes are no rows of a picture")
    out = io.BytesIO()
    _picture(image, bytes(image.data)).save(out, "JPEG", quality=quality)
    return out.getvalue()


def png_to_jpeg(data, quality):
    """A compressed picture that is a PNG as JPEG. Raises `ValueError`."""
    try:
        picture = Picture.open(io.BytesIO(data), formats=["PNG"])
        if max(picture.size) > LARGEST_PX:
            raise ValueError(f"{picture.width}x{picture.height} is no size of a picture")
        out = io.BytesIO()
        picture.convert("L" if picture.mode in ("1", "L") else "RGB").save(out, "JPEG", quality=quality)
        return out.getvalue()
    except (OSError, SyntaxError, Picture.DecompressionBombError) as error:
        raise ValueError(f"a compressed image is neither JPEG nor PNG: {error}") from error


def _picture(image, data):
    encoding = image.encoding
    if encoding in PACKED:
        return _packed(image, data, encoding)
    if encoding == "mono16":
        return _mono16(image, data)
    if encoding in DEEP:
        plain, channels = DEEP[encoding]
        _check(image, data, 2 * channels * image.width)
        return _packed(image, _high(image, data), plain, image.step // 2)
    if encoding in PAIRS:
        return _pairs(image, data)
    if encoding in PLANES:
        return _planes(image, data)
    return _bayer(image, data)


def _check(image, data, row, rows=None):
    """That there are so many rows of so many bytes."""
    rows = image.height if rows is None else rows
    if image.step < row or len(data) < image.step * (rows - 1) + row:
        raise ValueError(f"{len(data)} bytes in rows of {image.step} are no {image.width}x{image.height} {image.encoding}")


def _packed(image, data, encoding, step=None):
    mode, raw, size = PACKED[encoding]
    step = image.step if step is None else step
    if step == image.step:
        _check(image, data, size * image.width)
    whole = data.ljust(step * image.height, b"\0")
    return Picture.frombytes(mode, (image.width, image.height), whole, "raw", raw, step)


def _high(image, data):
    """The higher bytes of numbers of 16 bits."""
    return data[0 if image.is_bigendian else 1 :: 2]


def _mono16(image, data):
    """Cameras of 10 or 12 bits leave the higher ones empty: what the brightest pixel needs counts."""
    _check(image, data, 2 * image.width)
    whole = data.ljust(image.step * image.height, b"\0")
    raw = "I;16B" if image.is_bigendian else "I;16"
    deep = Picture.frombytes("I", (image.width, image.height), whole, "raw", raw, image.step)
    brightest = deep.getextrema()[1]
    bits = next(bits for bits in (8, 10, 12, 14, 16) if brightest < 1 << bits)
    return deep.point(lambda value: value * (1 / (1 << bits - 8))).convert("L")


def _rows(image, data, row, rows, first=0):
    """The bytes of rows without what pads them."""
    step = image.step
    if step == row:
        return data[first : first + row * rows]
    return b"".join(data[at : at + row] for at in range(first, first + step * rows, step))


def _pairs(image, data):
    width, height = image.width, image.height
    if width % 2:
        raise ValueError(f"{width} pixels a row are no pairs, as {image.encoding} has them")
    _check(image, data, 2 * width)
    bare = _rows(image, data, 2 * width, height)
    y, u, v = PAIRS[image.encoding]
    half = (width // 2, height)
    return _from_yuv((width, height), bare[y::2], (half, bare[u::4]), (half, bare[v::4]))


def _planes(image, data):
    width, height = image.width, image.height
    if width % 2 or height % 2:
        raise ValueError(f"{width}x{height} has half pixels in {image.encoding}")
    across, down, u, v = PLANES[image.encoding]
    # Rows of colour are as long as rows of luma, or twice as long where each pixel has its own.
    luma = _rows(image, data, width, height)
    begin, step = image.step * height, image.step * across
    rows, row = height // down, width * across
    if image.step < width or len(data) < begin + step * (rows - 1) + row:
        raise ValueError(f"{len(data)} bytes in rows of {image.step} are no {width}x{height} {image.encoding}")
    bare = b"".join(data[at : at + row] for at in range(begin, begin + step * rows, step))
    size = (row // 2, rows)
    return _from_yuv((width, height), luma, (size, bare[u::2]), (size, bare[v::2]))


# Video has luma from 16 to 235 and colours from 16 to 240 (BT.601); JPEG has both from 0 to 255.
LUMA = [min(max(round((at - 16) * 255 / 219), 0), 255) for at in range(256)]
CHROMA = [min(max(round((at - 128) * 255 / 224 + 128), 0), 255) for at in range(256)]


def _from_yuv(size, y, *colours):
    luma = Picture.frombytes("L", size, y).point(LUMA)
    planes = (Picture.frombytes("L", part, bare).point(CHROMA) for part, bare in colours)
    return Picture.merge("YCbCr", [luma, *(plane.resize(size, Picture.Resampling.BILINEAR) for plane in planes)])


def _bayer(image, data):
    """Four neighbours make a pixel: half as wide and high, and nothing is guessed."""
    (red, blue), size = BAYER[image.encoding]
    width, height = image.width // 2, image.height // 2
    if not (width and height):
        raise ValueError(f"{image.width}x{image.height} is no size of a picture in {image.encoding}")
    _check(image, data, size * image.width)
    step = image.step
    if size == 2:
        data, step = _high(image, data), step // 2
    places = []
    for at in range(4):
        first = at // 2 * step + at % 2
        rows = (data[first + row * 2 * step :][: 2 * width : 2] for row in range(height))
        places.append(Picture.frombytes("L", (width, height), b"".join(rows)))
    greens = [places[at] for at in range(4) if at not in (red, blue)]
    return Picture.merge("RGB", [places[red], Picture.blend(*greens, 0.5), places[blue]])
