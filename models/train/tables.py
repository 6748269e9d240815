"""Every table of the cards as `docs/tools/figures.py` writes it into them: python -m models.train.tables prints a JSON object, name to Markdown.

In a card a table stands between `<!--card NAME-->` and `<!--/card-->`. Standard library only, like the modules that make the tables: whoever checks documents has no torch.
"""
import functools
import json

from . import targets
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
    return text(("part (`--part`)", "file", "of", "took", "date"),
                [(name, v["file"], ", ".join(f"{n} {w[:8]}" for n, w in v["weights"].items()) or "others' nets", f"{v['seconds']} s", v["date"]) for name, v in read_stamps().items()])


TABLES = card_tables.TABLES | mirror_tables.TABLES | detector_tables.TABLES | targets.TABLES | {"measured": measured}


def main():
    steps = {f"steps_{name}": ablations(name) for name in read("ablations")}
    print(json.dumps({name: make(read) for name, make in (TABLES | steps).items()}))


if __name__ == "__main__":
    main()
