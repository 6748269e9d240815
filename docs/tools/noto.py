#!/usr/bin/env python3
"""Puts Noto's emoji beside ours, as small displays show both: docs/tools/noto.py OURS.png OUT.png

OURS is what the example small_faces of moodring-face draws, not enlarged. To look at after a change of the faces; Noto's
art is not ours, so the picture is not committed. Needs Pillow and Debian's package fonts-noto-color-emoji.
"""

import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

FONT = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
# FER2013's order: angry, disgust, fear, happy, sad, surprise, neutral.
EMOJI = "😠🤢😨😄😢😮😐"
# As examples/small_faces.rs places them.
SIDES = (64, 48, 32)
GAP = 4
ENLARGED = 3


def glyph(emoji: str, side: int, two_colours: bool) -> Image.Image:
    font = ImageFont.truetype(FONT, 109)  # the one size that the font has
    picture = Image.new("RGB", (136, 128))
    ImageDraw.Draw(picture).text((0, 0), emoji, font=font, embedded_color=True)
    picture = picture.crop((4, 0, 132, 128)).resize((side, side), Image.LANCZOS)
    if two_colours:
        picture = picture.convert("L").point(lambda grey: 255 if grey >= 128 else 0)
    return picture.convert("RGB")


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    if not FONT.exists():
        sys.exit(f"{FONT} is missing: apt install fonts-noto-color-emoji")
    ours = Image.open(sys.argv[1]).convert("RGB")
    sheet = Image.new("RGB", (2 * ours.width, ours.height), (128, 128, 128))
    sheet.paste(ours, (0, 0))
    top = GAP
    for side in SIDES:
        for two_colours in (False, True):
            for column, emoji in enumerate(EMOJI):
                left = ours.width + GAP + column * (SIDES[0] + GAP) + (SIDES[0] - side) // 2
                sheet.paste(glyph(emoji, side, two_colours), (left, top))
            top += side + GAP
    sheet.resize((ENLARGED * sheet.width, ENLARGED * sheet.height), Image.NEAREST).save(sys.argv[2])


if __name__ == "__main__":
    main()
