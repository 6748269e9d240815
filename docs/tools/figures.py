#!/usr/bin/env python3
"""The measured figures of docs/figures.toml in the documents: docs/tools/figures.py [--check]

Without --check it writes them where their names stand. With it, it changes nothing and fails, naming file and line, where a document says
something else or has a figure without a name. Python 3.11 or later, nothing else.
"""
import fnmatch
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tomllib

sys.dont_write_bytecode = True  # nothing is left beside the sources

import markdown  # noqa: E402
from figure_source import Figures  # noqa: E402
from markdown import ROOT  # noqa: E402

NAME = re.compile(r"<!--=([a-z0-9_.]+|@[^:>]+:[a-z0-9]+)-->")
CARD = re.compile(r"<!--card ([a-z0-9_]+)-->\n(.*?)<!--/card-->", re.DOTALL)
TABLE = re.compile(r"<!--table ([a-z0-9_]+)-->\n(.*?)<!--/table-->", re.DOTALL)
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
OLD = "then"  # <!--=then-->: a figure of an older version


def written(text, figures):
    """The text with every figure and table as it is to be. A name that nobody knows is a KeyError."""
    text = TABLE.sub(lambda table: f"<!--table {table[1]}-->\n{figures.table(table[1])}<!--/table-->", text)
    text = CARD.sub(lambda block: f"<!--card {block[1]}-->\n{figures.card(block[1])}<!--/card-->", text)
    pieces, at = [], 0
    for name in NAME.finditer(text):
        before = text[at:name.start()]
        pieces += [before if name[1] == OLD else replaced(before, figures[name[1]], name[1]), name[0]]
        at = name.end()
    return "".join(pieces) + text[at:]


def replaced(before, figure, name):
    """`before` with the figure at its end: any numbers in the places of the figure's own."""
    any_numbers = r"\d[\d,]*(?:\.\d+)?".join(re.escape(piece) for piece in NUMBER.split(figure))
    found = re.search(rf"(?<![\d.,]){any_numbers}$", before)
    if not found:
        raise ValueError(f"before <!--={name}--> something like {figure!r} must stand, and {before[-24:]!r} does")
    return before[:found.start()] + figure


def check_text(document, text, figures):
    """What is wrong in a document, a line each."""
    try:
        wanted = written(text, figures).splitlines()
    except (KeyError, ValueError) as error:
        yield f"{document}: {error.args[0]}"
        return
    for number, (is_, to_be) in enumerate(zip(text.splitlines(), wanted, strict=False), 1):
        if is_ != to_be:
            yield f"{document}:{number}: is not what docs/figures.toml says:\n  - {is_}\n  + {to_be}"
    if len(wanted) != len(text.splitlines()):
        yield f"{document}: a table has other rows than docs/figures.toml"


def check_names(document, text, patterns):
    """Measured figures without a name, a line each; those of tables and code aside."""
    without_tables = CARD.sub(lambda block: "\n" * block[0].count("\n"), TABLE.sub(lambda table: "\n" * table[0].count("\n"), text))
    for line in markdown.lines(without_tables):
        for pattern in patterns:
            for found in re.finditer(pattern, line.prose, re.IGNORECASE):
                if not re.match(r"[^<|]{0,3}<!--=", line.prose[found.end():]):
                    yield f"{document}:{line.number}: {found[0]!r} is a measured figure without a name: see the head of docs/figures.toml"


def card_tables(arguments):
    """{name: Markdown} of the program that prints the cards' tables; a ValueError if it fails."""
    shown = subprocess.run([sys.executable, "-B", *arguments], cwd=ROOT, capture_output=True, text=True)
    if shown.returncode != 0:
        raise ValueError(f"python3 {' '.join(arguments)} failed: {shown.stderr.strip().splitlines()[-1]}")
    return json.loads(shown.stdout)


def check_measured(stamps, root=ROOT):
    """Measurements of weights that have changed since, a line each."""
    for part, one in stamps.items():
        for net, was in one["weights"].items():
            now = hashlib.sha256((root / "models/weights" / f"{net}.moodnet").read_bytes()).hexdigest()
            if not now.startswith(was):
                yield f"models/cards/{one['file']}: {part} is of another {net}; measure it again: python -m models.train.card --part {part}"


def problems(figures):
    marked = figures.settings["marked"]
    for document in markdown.files():
        text = (ROOT / document).read_text()
        yield from check_text(document, text, figures)
        if any(fnmatch.fnmatch(document, pattern) and document.count("/") == pattern.count("/") for pattern in marked["documents"]):
            yield from check_names(document, text, marked["patterns"])
        if document in figures.settings["card"]["documents"]:
            yield from check_names(document, text, figures.settings["card"]["patterns"])
    yield from check_measured(json.loads((ROOT / figures.settings["card"]["measured"]).read_text()))


def main():
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit(__doc__)
    figures = Figures(tomllib.loads((ROOT / "docs/figures.toml").read_text()), ROOT, card_tables)
    if sys.argv[1:]:
        found = list(problems(figures))
        print("\n".join(found) or "figures: every document says what was measured", file=sys.stderr if found else sys.stdout)
        sys.exit(bool(found))
    for document in markdown.files():
        path = ROOT / document
        text = path.read_text()
        if (new := written(text, figures)) != text:
            path.write_text(new)
            print(f"{document}: written")


if __name__ == "__main__":
    main()
