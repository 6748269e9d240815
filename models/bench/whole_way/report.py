"""Table and picture of the whole way, and the JSON that the documents' figures come from."""
import json

OURS = "moodring"
FILMS = "yuyv 1", "mjpeg 1", "yuyv 8", "mjpeg 8"
TITLES = "YUYV, one face", "MJPEG, one face", "YUYV, eight", "MJPEG, eight"


def cell(peer, film):
    t = peer[film]
    wanted = int(film.split()[1])
    faces = "" if t["faces"] > wanted - 0.05 else f", {t['faces']:.1f} found"
    native = f", of it native {t['native_ms']:.1f}" if t["native_ms"] else ""
    return f"{t['cpu_ms']:.1f}{native}{faces}"


def accuracy(peer):
    a = peer["accuracy"]
    if a["right"] is None:
        return f"names none ({a['found']} of {a['faces']} found)"
    return f"{100 * a['right'] / a['faces']:.1f} % ({a['found']} found)"


def rows(results):
    yield ["", *(f"{title}, ms of processor" for title in TITLES), "ours takes of it", "first answer", "memory", "right of " + str(
        results["peers"][OURS]["accuracy"]["faces"])]
    for name, peer in results["peers"].items():
        ratios = [peer[film]["ours_by_this"] for film in FILMS]
        share = "" if name.startswith(OURS) else f"{min(ratios):.2f} to {max(ratios):.2f}"
        memory = max(peer[film]["peak_mb"] for film in FILMS)
        yield [name, *(cell(peer, film) for film in FILMS), share, f"{peer['first_answer_s']:.1f} s ({peer['first_answer_cpu_s']:.1f} of processor)",
               f"{memory:.0f} MB", accuracy(peer)]


def table(results):
    lines = [f"| {' | '.join(row)} |" for row in rows(results)]
    return "\n".join([lines[0], "|---" * (lines[0].count("|") - 1) + "|", *lines[1:]])


def write(results, folder):
    text = f"{results['when']}, {results['rounds']} rounds\n\n{table(results)}\n"
    (folder / "whole.md").write_text(text)
    (folder / "whole.json").write_text(json.dumps(results, indent=1) + "\n")
    plot(results, folder / "whole.png")
    return text


def plot(results, path):
    """Processor time of a frame beside accuracy: left and high is better."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(10, 3.4), sharey=True)
    for axis, film, title in zip(axes, ("yuyv 1", "mjpeg 8"), (TITLES[0], TITLES[3])):
        for name, peer in results["peers"].items():
            right = peer["accuracy"]["right"]
            if right is None:
                axis.axvline(peer[film]["cpu_ms"], color="tab:gray", linestyle=":")
                axis.annotate("MediaPipe (no expression)", (peer[film]["cpu_ms"], 21), rotation=90, fontsize=7, color="tab:gray", va="bottom", ha="right")
                continue
            at = peer[film]["cpu_ms"], 100 * right / peer["accuracy"]["faces"]
            axis.plot(*at, "o", color="tab:orange" if name.startswith(OURS) else "tab:gray")
            axis.annotate(name, at, xytext=(4, 5), textcoords="offset points", fontsize=7)
        axis.set_xscale("log")
        axis.set_xlim(1, 1000)
        axis.set_ylim(20, 80)
        axis.set_title(title, fontsize=9)
        axis.set_xlabel("processor ms per 640x480 frame, one core")
    axes[0].set_ylabel("% right of FER2013 faces\nset into frames")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
