"""Table, JSON and plot of what was measured."""
import json
import platform
from datetime import date
from pathlib import Path

OURS = "moodring"


def machine():
    """The machine's kind, without its name."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    kind = next((line.split(":")[1].strip() for line in text.splitlines() if line.startswith("model name")), platform.machine())
    cores = text.count("processor\t")
    dots = next((name for flag, name in (("avx512_vnni", "AVX512-VNNI"), ("avx_vnni", "AVX-VNNI"), ("avx2", "AVX2"))
                 if flag in text), "no dot products that we know")
    return f"{cores} cores of {kind}, {dots}"


def table(results):
    """Markdown: an engine a row, milliseconds and our time / its time per net."""
    nets = list(results)
    engines = [OURS] + sorted({e for r in results.values() for e in r["ms"]} - {OURS})
    lines = ["| one thread | " + " | ".join(f"{n} ({results[n]['mmac']:.0f} MMAC)" for n in nets) + " |",
             "|---|" + "---|" * len(nets)]
    for engine in engines:
        cells = []
        for net in nets:
            r = results[net]
            if engine not in r["ms"]:
                cells.append("does not run")
            elif engine == OURS:
                cells.append(f"**{r['ms'][engine]:.2f} ms**")
            else:
                cells.append(f"{r['ms'][engine]:.2f} ms, ours takes {r['ratio'][engine]:.2f} of it")
        lines.append(f"| {engine} | " + " | ".join(cells) + " |")
    lines.append("| our time / best peer | " + " | ".join(f"**{min_ratio(results[n]):.2f}**" for n in nets) + " |")
    lines.append("| our time / the core's int8 peak | " + " | ".join(peak(results[n]) for n in nets) + " |")
    return "\n".join(lines)


def min_ratio(result):
    """Our time by the best peer's: the largest of the ratios."""
    return max(result["ratio"].values())


def peak(result):
    return f"{result['over_peak']:.1f}" if result["over_peak"] else "not known here"


def facts(results):
    lines = []
    for net, r in results.items():
        a = r["agreement"]
        parts = [f"equal to the reference on {a['exact_pictures']} pictures: {'yes' if a['exact'] else 'NO'}",
                 f"layers within 1 step of ONNX Runtime: {a['layers']:.4%} (worst layer {a['worst_layer']:.3%})"]
        if a.get("expressions"):
            parts.append(f"same expression on {a['expressions'][0]:.2%} of {a['expressions'][1]} faces")
        if a.get("boxes"):
            both, near, worst, only = a["boxes"]
            parts.append(f"{both} faces seen by both, {near:.1%} within 2 px (at most {worst:.1f}), {only} seen by one only")
        parts.append(f"kernel {r['kernel']}, file {r['file_kb']} KB, weights laid out {r['weights_kb']} KB, arena {r['arena_kb']} KB")
        lines.append(f"- {net}: " + "; ".join(parts))
    return "\n".join(lines)


def write(results, rounds, folder):
    head = f"{date.today()}, {machine()}, {rounds} rounds, medians of ratios"
    text = f"{head}\n\n{table(results)}\n\n{facts(results)}\n"
    (folder / "table.md").write_text(text)
    (folder / "results.json").write_text(json.dumps({"when": head, "nets": results}, indent=1))
    plot(results, head, folder / "engines.png")
    return text


def plot(results, head, path):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(results), figsize=(5 * len(results), 3.2), squeeze=False)
    for axis, (net, r) in zip(axes[0], results.items()):
        names = sorted(r["ms"], key=r["ms"].get, reverse=True)
        axis.barh(names, [r["ms"][n] for n in names], color=["tab:orange" if n == OURS else "tab:gray" for n in names])
        if r["peak_ms"]:
            axis.axvline(r["peak_ms"], color="black", linestyle=":", label="the core's int8 peak")
            axis.legend(fontsize=7)
        axis.set_title(net)
        axis.set_xlabel("ms per picture, one thread")
    figure.suptitle(head, fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
