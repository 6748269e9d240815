"""What cameras publish, without ROS: each encoding shows the same picture. Run by tests/ros2 and tests/python."""

import io
from types import SimpleNamespace

import pytest
from moodring_ros.pictures import BAYER, DEEP, ENCODINGS, PACKED, PAIRS, PLANES, png_to_jpeg, to_jpeg
from PIL import Image as Picture

SIZE = (64, 48)


def scene():
    """Red, green, blue and grey fields over a slope from dark to bright."""
    picture = Picture.new("RGB", SIZE)
    for x in range(SIZE[0]):
        for y in range(SIZE[1]):
            light = 40 + 3 * x
            picture.putpixel((x, y), [(light, 40, 40), (40, light, 40), (40, 40, light), (light,) * 3][y // 12])
    return picture


def channels(picture):
    return [plane.tobytes() for plane in picture.split()]


def doubled(data, big):
    """Eight bits as the higher ones of sixteen; the lower ones are noise."""
    return b"".join(bytes([one, 77]) if big else bytes([77, one]) for one in data)


def video(picture):
    """Y, U and V as video has them: from 16 on."""
    y, u, v = channels(picture.convert("YCbCr"))
    luma = bytes(round(16 + one * 219 / 255) for one in y)
    return luma, *(bytes(round(128 + (one - 128) * 224 / 255) for one in part) for part in (u, v))


def halved(plane, across, down):
    rows = [plane[at : at + SIZE[0]] for at in range(0, len(plane), SIZE[0])]
    return b"".join(row[::across] for row in rows[::down])


def made(encoding, big=False, pad=0):
    """The scene as an image message."""
    picture = scene()
    if encoding in PACKED:
        mode, raw, _ = PACKED[encoding]
        data = picture.convert(mode).tobytes("raw", raw)
    elif encoding == "mono16":
        data = doubled(picture.convert("L").tobytes(), big)
    elif encoding in DEEP:
        mode, raw, _ = PACKED[DEEP[encoding][0]]
        data = doubled(picture.tobytes("raw", raw), big)
    elif encoding in PAIRS:
        y, u, v = video(picture)
        data = bytearray(2 * len(y))
        for plane, at, gap in zip((y, halved(u, 2, 1), halved(v, 2, 1)), PAIRS[encoding], (2, 4, 4)):
            data[at::gap] = plane
    elif encoding in PLANES:
        across, down, first, second = PLANES[encoding]
        y, u, v = video(picture)
        colours = bytearray(2 * len(halved(u, 2 // across, down)))
        colours[first::2], colours[second::2] = halved(u, 2 // across, down), halved(v, 2 // across, down)
        data = y + bytes(colours)
    else:
        (red, blue), size = BAYER[encoding]
        r, g, b = channels(picture)
        data = bytes(
            (r if at == red else b if at == blue else g)[y * SIZE[0] + x]
            for y in range(SIZE[1]) for x in range(SIZE[0]) for at in [y % 2 * 2 + x % 2]
        )  # fmt: skip
        data = doubled(data, big) if size == 2 else data
    data = bytes(data)
    row = SIZE[0] if encoding in PLANES else len(data) // SIZE[1]
    rows = [data[at : at + row] for at in range(0, len(data), row)]
    if encoding == "nv24" and pad:  # its rows of colour are two of luma
        rows = rows[: SIZE[1]] + [data[at : at + 2 * row] + b"\xee" * pad for at in range(row * SIZE[1], len(data), 2 * row)]
    padded = b"".join(one + b"\xee" * pad for one in rows)
    return SimpleNamespace(width=SIZE[0], height=SIZE[1], encoding=encoding, step=row + pad, is_bigendian=int(big), data=padded)


@pytest.mark.parametrize("pad", [0, 6])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_shows_the_same_picture(encoding, big, pad):
    seen = Picture.open(io.BytesIO(to_jpeg(made(encoding, big, pad), 95)))
    wanted = scene().convert("L") if encoding in ("mono8", "mono16", "8UC1") else scene()
    # Colours run a little at the borders of fields where they are halved.
    small = (16, 12)
    seen, wanted = (one.convert("RGB").resize(small, Picture.Resampling.BOX) for one in (seen, wanted))
    off = [abs(a - b) for a, b in zip(seen.tobytes(), wanted.tobytes())]
    assert sum(off) / len(off) < 6, f"{sum(off) / len(off)}"


def test_a_camera_of_ten_bits_is_not_black():
    levels = [(x * 1023 // 63) for x in range(64)]
    data = b"".join(level.to_bytes(2, "little") for level in levels) * 48
    image = SimpleNamespace(width=64, height=48, encoding="mono16", step=128, is_bigendian=0, data=data)
    seen = Picture.open(io.BytesIO(to_jpeg(image, 95)))
    dark, bright = seen.getextrema()
    assert dark < 8 and bright > 247


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_is_no_picture_is_refused_in_words(encoding):
    fine = made(encoding)
    for change, words in [
        ({"encoding": "bayer_rggb12"}, "encoding"),
        ({"width": 0}, "size"),
        ({"width": 10_000}, "size"),
        ({"step": 12}, "rows"),
        ({"step": 2**32 - 1, "height": 1}, "rows"),
        ({"height": 64}, "bytes"),
        ({"data": b""}, "bytes"),
        ({"encoding": "16UC1"}, "distances"),
    ]:
        with pytest.raises(ValueError, match=words):
            to_jpeg(SimpleNamespace(**{**vars(fine), **change}), 90)


@pytest.mark.parametrize("encoding", [*PAIRS, *PLANES])
def test_half_a_pair_is_refused(encoding):
    with pytest.raises(ValueError):
        to_jpeg(SimpleNamespace(**{**vars(made(encoding)), "width": 63}), 90)


def test_a_compressed_picture_may_be_a_png_but_nothing_else():
    for mode in ("RGB", "RGBA", "L", "P", "I;16"):
        out = io.BytesIO()
        (Picture.new(mode, SIZE) if mode == "I;16" else scene().convert(mode)).save(out, "PNG")
        assert Picture.open(io.BytesIO(png_to_jpeg(out.getvalue(), 90))).size == SIZE
    gif = io.BytesIO()
    scene().save(gif, "GIF")
    for data in (b"", b"x", gif.getvalue(), out.getvalue()[:60]):
        with pytest.raises(ValueError, match="neither"):
            png_to_jpeg(data, 90)
