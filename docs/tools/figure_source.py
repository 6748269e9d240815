"""docs/figures.toml: figures and tables by their names, each with where it comes from."""
import json
import re

from packed_net import PackedNet

FORMS = {
    "percent": lambda x: f"{100 * x:.1f} %",
    "percent0": lambda x: f"{100 * x:.0f} %",
    "percent2": lambda x: f"{100 * x:.2f} %",
    "three": lambda x: f"{x:.3f}",
    "two": lambda x: f"{x:.2f}",
    "one": lambda x: f"{x:.1f}",
    "count": lambda x: f"{x:,}",
    "text": str,
}
COUNTS = {
    "mmac": lambda products, _: f"{products / 1e6:.0f} MMAC",
    "mmac_1": lambda products, _: f"{products / 1e6:.1f} MMAC",
    "weights": lambda _, weights: f"{weights / 1e6:.2f} M",
}
NOTES = ("version", "threshold")
ORIGINS = ("command", "date", "machine")


class Figures:
    def __init__(self, settings, root, make_cards=None):
        """`make_cards`: of the command that prints the cards' tables -> {name: Markdown}."""
        self.make_cards = make_cards
        self.settings, self.root = settings, root
        self.nets, self.cards = {}, None

    def __getitem__(self, name):
        """The figure's text. KeyError and ValueError say what is wrong, with the name."""
        if name.startswith("@"):
            return self.of_card(name)
        group, _, key = name.partition(".")
        entry = self.settings["figure"].get(group, {}).get(key)
        if entry is None:
            raise KeyError(f"docs/figures.toml has no figure {name}")
        if "text" in entry:
            if "source" not in entry and (lacking := [origin for origin in ORIGINS if origin not in entry]):
                raise ValueError(f"{name} in docs/figures.toml lacks {', '.join(lacking)}")
            return entry["text"]
        return self.measured(entry) if "from" in entry else self.counted(entry)

    def measured(self, entry):
        value = json.loads((self.root / entry["from"]).read_text())
        for key in entry["key"].split("."):
            value = value[key]
        return FORMS[entry["form"]](value)

    def of_card(self, name):
        """`@FILE/KEY/KEY:FORM`: straight out of models/cards/FILE.json; a key may be a list's index."""
        path, _, form = name[1:].rpartition(":")
        file, *keys = path.split("/")
        try:
            value = json.loads((self.root / "models/cards" / f"{file}.json").read_text())
            for key in keys:
                value = value[int(key) if isinstance(value, list) else key]
            return FORMS[form](value)
        except (OSError, KeyError, IndexError, TypeError, ValueError) as error:
            raise KeyError(f"models/cards has no figure {name} ({error})") from error

    def card(self, name):
        """A table of the cards in Markdown, out of what was measured."""
        if self.cards is None:
            self.cards = self.make_cards(self.settings["card"]["tables"])
        if name not in self.cards:
            raise KeyError(f"python3 {' '.join(self.settings['card']['tables'])} has no table {name}")
        return self.cards[name]

    def counted(self, entry):
        nets = [self.net(path) for path in entry.get("nets") or [entry["net"]]]
        if entry["count"] in NOTES:
            return nets[0].notes[entry["count"]]
        if entry["count"] == "bytes":
            size = len(nets[0].data)
            return f"{size / 1e6:.2f} MB" if size > 1e6 else f"{size / 1e3:.0f} kB"
        costs = [net.cost(entry.get("size")) for net in nets]
        return COUNTS[entry["count"]](*(sum(parts) for parts in zip(*costs)))

    def net(self, path):
        if path not in self.nets:
            self.nets[path] = PackedNet(self.root / path)
        return self.nets[path]

    def table(self, name):
        """Rows in Markdown, and below them with what they were measured."""
        table = self.settings["table"].get(name)
        if table is None:
            raise KeyError(f"docs/figures.toml has no table {name}")
        rows = [[self.filled(cell) for cell in row] for row in [table["head"], *table["rows"]]]
        if odd := [row for row in rows if len(row) != len(rows[0])]:
            raise ValueError(f"table {name} in docs/figures.toml: {odd[0]} has {len(odd[0])} cells, its head {len(rows[0])}")
        rows.insert(1, ["---"] * len(rows[0]))
        origin = f"{table['command']}; {self.settings['machine'][table['machine']]}; {table['date']}."
        return "".join(f"| {' | '.join(row)} |\n" for row in rows) + f"\n<small>{origin}</small>\n\n"

    def filled(self, cell):
        return re.sub(r"\{([a-z0-9_.]+|@[^{}:]+:[a-z0-9]+)\}", lambda found: self[found[1]], cell)
