"""Markdown as these tools need it: which files there are, which lines are code, links, and the anchors of headings."""
import pathlib
import re
import subprocess
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

FENCE = re.compile(r"\s*(```|~~~)")
CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\](?:\([^)]*\))?)*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*$")


class Line(NamedTuple):
    """A line that is not a line of code."""

    number: int
    raw: str
    prose: str  # the same length; code within the line is blank


def files(*patterns):
    """The Markdown files that git tracks or would track, as paths below the root."""
    asked = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "--", *(patterns or ["*.md"])]
    names = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.split("\n")
    return sorted(name for name in set(names) if name.endswith(".md") and (ROOT / name).is_file())


def lines(text):
    """Every line outside of code blocks. Four blanks begin one after an empty line, a heading or code."""
    fenced, code_may_begin = False, True
    for number, raw in enumerate(text.splitlines(), 1):
        if FENCE.match(raw):
            fenced = not fenced
        elif not fenced and not (raw.startswith("    ") and code_may_begin):
            code_may_begin = not raw.strip() or bool(HEADING.match(raw))
            yield Line(number, raw, CODE.sub(lambda code: " " * len(code[0]), raw))


def links(text):
    """(line's number, target) of every link and picture."""
    for line in lines(text):
        for found in LINK.finditer(line.prose):
            yield line.number, line.raw[found.start(1):found.end(1)]
        # Code may be a link's text: [`core`](firmware/core).
        for found in re.finditer(r"\]\(<?([^)\s>]+)>?\)", line.prose):
            yield line.number, found[1]


def anchors(text):
    """The names by which headings can be linked, as GitHub makes them."""
    found = set()
    for line in lines(text):
        if heading := HEADING.match(line.raw):
            title = re.sub(r"<!--.*?-->", "", heading[2])
            title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
            name = re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")
            unique, number = name, 0
            while unique in found:
                number += 1
                unique = f"{name}-{number}"
            found.add(unique)
    return found
