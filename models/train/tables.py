"""Every table of the cards as `docs/tools/figures.py` writes it into them: python -m models.train.tables prints a JSON object, name to Markdown.

In a card a table stands between `<!--card NAME-->` and `<!--/card-->`. Standard library only, like the modules that make the tables: whoever checks documents has no torch.
"""
import functools
import json
from pathlib import Path

from . import targets
from .card import PARTS
from .classifier import card_tables, mirror_tables
from .common.markdown import text
from .detector import card_tables as detector_tables
from .stamps import CARDS, read_stamps


@functools.cache
def read(name):
    return json.loads((CARDS / f"{name}.json").read_text())


def ablations(name):
    """A table of what former steps bought: recorded when they were made, not measurable any more."""
    def of(read_):
        one = read_("ablations")[name]
        return text(one["head"], one["rows"]) + f"\n<small>{one['command']}</small>\n"
    return of


def measured(_):
    """What each part is of; what is not of these weights, or not measured at all, is said."""
    rows, stamps = [], read_stamps()
    for part in PARTS:
        if part.name in stamps:
            v = stamps[part.name]
            of = ", ".join(f"{n} {w[:8]}" for n, w in v["weights"].items()) or "others' nets"
            rows.append((part.name, part.writes, of, f"{v['seconds']} s" if v["seconds"] else "not timed", v["date"]))
        else:
            rows.append((part.name, part.writes, "**not by this program on these files**" if (CARDS / part.writes).exists() else "**not measured yet**", "", ""))
    return text(("part (`--part`)", "file", "of", "took", "date"), rows)


def shown(name, make):
    """The table, or what measures it."""
    try:
        return make(read)
    except FileNotFoundError as lacks:
        file = Path(lacks.filename).name
        part = next((p.name for p in PARTS if p.writes == file), None)
        return f"*Not measured yet: `python -m models.train.card{f' --part {part}' if part else ''}`.*\n"


TABLES = card_tables.TABLES | mirror_tables.TABLES | detector_tables.TABLES | targets.TABLES | {"measured": measured}


def main():
    steps = {f"steps_{name}": ablations(name) for name in read("ablations")}
    print(json.dumps({name: shown(name, make) for name, make in (TABLES | steps).items()}))


if __name__ == "__main__":
    main()
