"""Changes notes of a committed net (its thresholds, its version) and nothing else: python -m models.train.common.notes detector threshold=0.6 version=0.3.1

Rewrites the packed file, the ONNX file's metadata and the golden file, whose vectors must come out as they were.
"""
import argparse
from pathlib import Path

import onnx

from . import intgraph, pack
from .golden import golden, read

MODELS = Path(__file__).resolve().parents[2]
GOLDEN_SIZES = {intgraph.DETECTOR: [(160, 128), (96, 64)], intgraph.CLASSIFIER: None}


def renoted(packed, changes):
    """The packed file's bytes with these notes."""
    graph = pack.unpack(packed)
    graph.notes |= changes
    return pack.pack(graph)


def renote_onnx(model, changes):
    known = {p.key: p for p in model.metadata_props}
    for key, value in changes.items():
        if key in known:
            known[key].value = value
        else:
            model.metadata_props.add(key=key, value=value)
    return model


def same_vectors(a, b):
    (_, a), (_, b) = read(a), read(b)
    return len(a) == len(b) and all((p == q).all() and all((x == y).all() for x, y in zip(u, v, strict=True)) for (p, u), (q, v) in zip(a, b))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("net", choices=("detector", "classifier"))
    parser.add_argument("notes", nargs="+", metavar="KEY=VALUE")
    args = parser.parse_args()
    changes = dict(note.split("=", 1) for note in args.notes)
    packed, file = MODELS / "weights" / f"{args.net}.moodnet", MODELS / "golden" / f"{args.net}.bin"
    new = renoted(packed.read_bytes(), changes)
    graph, before = pack.unpack(new), file.read_bytes()
    after = golden(graph, new, GOLDEN_SIZES[graph.kind])
    if not same_vectors(before, after):
        raise SystemExit("the golden vectors would change: only notes may")
    model = onnx.load(packed.with_suffix(".onnx"))
    packed.write_bytes(new)
    onnx.save(renote_onnx(model, changes), packed.with_suffix(".onnx"))
    file.write_bytes(after)
    print(graph.notes)


if __name__ == "__main__":
    main()
