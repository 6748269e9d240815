"""Our int8 engine beside the others, engines taking turns round by round: models/bench/run makes what this needs.

What counts is the ratio of the same round; milliseconds are medians and belong to the machine that the table names.
tract is left out (its build takes 20 processor minutes); docs/decisions/001-engines.md has its ratio.
"""
import argparse
import os

import numpy as np

os.environ.setdefault("OMP_NUM_THREADS", "1")

from . import agree, engines, nets, report  # noqa: E402  (threads are set first)

BINARY = nets.MODELS.parent / "target" / "release" / "examples" / "bench_server"
RUNS = 12  # per engine and round


def main():
    parser = argparse.ArgumentParser(prog="models/bench/run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--net", help="only detector, classifier or yunet_n")
    parser.add_argument("--quick", action="store_true", help="5 rounds and fewer pictures: to see that it works")
    parser.add_argument("--kernel", help="force one of our kernels, as MOODRING_KERNEL does")
    args = parser.parse_args()
    rounds = 5 if args.quick else args.rounds
    nets.OUT.mkdir(parents=True, exist_ok=True)
    results = {}
    for name, (graph, packed) in nets.graphs(args.net).items():
        print(f"== {name}", flush=True)
        picture = nets.example(graph)
        ours = engines.Ours(BINARY, packed, picture, nets.OUT, args.kernel)
        results[name] = measured(graph, picture, ours, rounds)
        results[name]["agreement"] = agreement(name, graph, ours, args.quick)
        ours.close()
    print(f"\n{report.write(results, rounds, nets.OUT)}\n{nets.OUT}: table.md, results.json, engines.png")


def measured(graph, picture, ours, rounds):
    """Rounds of all engines, ours among them, in an order that turns by one each round."""
    all_of_them = {report.OURS: ours, **engines.peers(graph, picture, nets.OUT)}
    names, times, peaks = list(all_of_them), {name: [] for name in all_of_them}, []
    for turn in range(rounds):
        for i in range(len(names)):
            name = names[(turn + i) % len(names)]
            times[name].append(all_of_them[name].seconds(RUNS))
        peaks.append(ours.peak())
    facts, mine = ours.facts(), np.array(times[report.OURS])
    macs, top = int(facts["macs"]), float(np.median(peaks))
    ms = {name: float(np.median(t)) * 1e3 for name, t in times.items()}
    peak_ms = macs / top / 1e6 if top else None
    return {"mmac": macs / 1e6, "ms": ms, "ratio": {n: float(np.median(mine / np.array(t))) for n, t in times.items() if n != report.OURS},
            "peak_gmacs": top, "peak_ms": peak_ms, "over_peak": ms[report.OURS] / peak_ms if top else None, "kernel": facts["kernel"],
            **{f"{k}_kb": int(facts[k]) // 1024 for k in ("file", "weights", "arena")}}


def agreement(name, graph, ours, quick):
    some = nets.faces(3) if name == "classifier" else None
    if some is None:
        some = np.stack([nets.example(graph)] if quick or not nets.PHOTOS.exists() else
                        nets.pictures_for(graph, 3))
    share, worst = agree.layers(graph, some)
    found = {"exact": agree.exact(ours, graph, some), "exact_pictures": len(some), "layers": share, "worst_layer": worst}
    if name == "classifier":
        found["expressions"] = agree.expressions(ours, graph)
    elif nets.PHOTOS.exists():
        found["boxes"] = agree.boxes(ours, graph)
    return found


if __name__ == "__main__":
    main()
