"""The classifier's tables of faces before a mirror, from models/cards. Standard library only: `models.train.tables` writes them into the card."""
from ..common.markdown import percent, text

LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
NAMES = {"blend": "blend (the default)", "logits": "FER2013's", "ferplus": "FER+'s"}
SETS = ("wild", "wild, the half not fitted on", "cfee, simple", "taiwanese", "PublicTest by FER+'s majority", "PublicTest by FER2013's label")
BAD = "angry, sad, fear or disgust"
WAYS = {"neither": "neither", "resting": "`resting` alone", "calibrated": "`calibrate` alone", "both": "both"}


def answers(read):
    a = read("mirror")["answers"]
    rows = [(s, NAMES[k], a[k][s]["count"], percent(a[k][s]["accuracy"]), f"{a[k][s]['macro']:.3f}", f"{a[k][s]['calibration_error']:.3f}", percent(a[k][s]["calm_misread"]))
            for s in SETS for k in NAMES]
    return text(("faces", "answer", "count", "accuracy", "macro recall", "calibration error", f"neutral called {BAD}"), rows)


def recall(read):
    a = read("mirror")["answers"]
    return text(("wild, recall", *LABELS), [(NAMES[k], *(percent(a[k]["wild"]["recall"].get(n, 0)) for n in LABELS)) for k in NAMES])


def curve(read):
    return text(("shown from a probability of", "share shown", "right of these"),
                [(f"{r['certain']:.2f}", percent(r["coverage"]), percent(r["right"])) for r in read("mirror")["answers"]["shown"]["curve"]])


def shown(read):
    a = read("mirror")["answers"]["shown"]
    return text(("wild, profiles uncertain", "shown", "right of these"), [(k, percent(v["coverage"]), percent(v["right"])) for k, v in a.items() if k != "curve"])


def certainty(read):
    return text(("three of four wild faces are shown by", "shown", "right of these", "spread over halves"),
                [(k, percent(v["shown"]), percent(v["right"]), percent(v["spread"])) for k, v in read("certainty").items()])


def rule(read):
    table = read("blend")
    sets = list(next(iter(table.values())))
    return text(("rule; each half by what was fitted on the other", "neutral misread", *sets),
                [(n, percent(v["wild"]["calm_misread"]), *(f"{100 * v[s]['accuracy']:.1f} / {100 * v[s]['macro']:.1f}" for s in sets)) for n, v in table.items()])


def covered(read):
    return text(("PublicTest", "FER2013 answer", "FER+ answer", "blend by FER+'s majority", f"calm called {BAD}", "blend uncertain"),
                [(k, percent(v["FER2013"]), percent(v["FER+"]), percent(v["blend"]["accuracy"]), percent(v["blend"]["calm_misread"]), percent(v["blend uncertain"]))
                 for k, v in read("mirror")["covered"].items()])


def turned(read):
    rows = [(f"{angle} degrees", cuts, v["count"], v["not found"], percent(v["within 5 degrees"]), f"{v['median error']:.1f}", percent(v["same expression"]))
            for cuts, by in read("mirror")["turned"].items() for angle, v in by.items()]
    return text(("turned by", "with up to", "photos", "no face found", "within 5 degrees", "median error", "same expression"), rows)


def pets(read):
    f = read("mirror")["faces"]
    rows = [(k.removeprefix("pets "), v["pictures"], percent(v["with a face by the detector"]), percent(v["with a face"])) for k, v in f.items() if k.startswith("pets")]
    lost = f["wild faces lost"]
    return text(("pets", "pictures", "with a face by the detector", "with a face"), rows) + f"\nOf {lost['count']:,} wild faces {100 * lost['share']:.2f} % are lost.\n"


def interval(v, digits=0):
    return f"{100 * v[0]:.{digits}f} ({100 * v[1]:.{digits}f} to {100 * v[2]:.{digits}f})"


def order(group):
    """Ages by their number, the oldest last."""
    kind, _, name = group.partition(" ")
    first = name.split("-")[0]
    return kind, (int(first), "") if first.isdigit() else (999, name)


def fairness(read):
    f = read("mirror")["fairness"]
    return text(("group", "faces", "uncertain", "profile", "no face", *LABELS),
                [(g, f[g]["count"], interval(f[g]["uncertain"]), interval(f[g]["profile"]), interval(f[g]["no face"], 1), *(interval(f[g][n]) for n in LABELS)) for g in sorted(f, key=order)])


def found(read):
    by = read("groups")["found"]
    kinds = list(by)
    groups = sorted(by[kinds[0]]["by the detector"], key=order)
    return text(("group", "faces", *(f"{k}: {w}" for k in kinds for w in by[k])),
                [(g, by[kinds[0]]["by the detector"][g][0], *(interval(by[k][w][g][1:], 1) for k in kinds for w in by[k])) for g in groups])


def smiles(read):
    s = read("groups")["smiles"]
    return text(("group", "faces that big XCEPTION calls happy", *s), [(g, s["called happy"][g][0], *(interval(v[g][1:], 1) for v in s.values())) for g in sorted(s["called happy"], key=order)])


def yaw(read):
    names = ("profile", "half", "frontal", "half", "profile")
    return text(("YuNet's landmarks \\ the net: looks to the picture's left ... right", *names), [(n, *row) for n, row in zip(names, read("mirror")["pose"]["yaw"]["table"])])


def pitch(read):
    p = read("mirror")["pose"]
    rows = [(n, *row) for n, row in zip(("down", "level", "up"), p["pitch"]["table"])]
    return (text(("landmarks \\ the net", "down", "level", "up"), rows)
            + f"\nOf profiles by the landmarks {percent(p['profile found'])} are called so, of frontal faces {percent(p['frontal called profile'])}.\n")


def line_of_film(r):
    delay = r["median delay, seconds"]
    return (percent(r["acceptable"]), percent(r["uncertain"]), f"{r['flips a minute']:.1f}", "half never" if delay is None else f"{delay:.2f}", percent(r["segments never shown"]))


HEAD_OF_FILM = ("acceptable", "uncertain", "flips a minute", "median delay, s", "segments never shown")


def film(name, first):
    """A table of smoothings by frames a second."""
    def of(read):
        tables = read(name)
        return text(("frames a second", first, *HEAD_OF_FILM),
                    [(rate.split()[0], way, *line_of_film(r)) for rate, t in tables.get("smoothings", tables).items() for way, r in t.items()])
    return of


def settings(read):
    return text(("smoothing, s; margin; it shrinks in, s; hold, s", *HEAD_OF_FILM),
                [("; ".join(f"{r[k]:g}" for k in ("smooth", "margin", "settle", "hold")), *line_of_film(r)) for r in read("video")["settings"]])


def crossed(read):
    return text(("on the other clips", *HEAD_OF_FILM),
                [(k, *(line_of_film(r) if r else ("no setting does it", "", "", "", ""))) for k, r in read("video")["each clip by the others"].items()])


def calm(read):
    c = read("calibrate")["calm"]

    def pair(some, way, when):
        v = c[f"{some}, {way}"][when]
        return f"{percent(v['neutral'])} / {percent(v[BAD])}"

    return text((f"{c['faces']} calm wild faces held for a minute: shown as neutral / as {BAD}", "first ten seconds", "after 50 seconds",
                 f"the {c['serious']} serious ones: first ten seconds", "after 50 seconds"),
                [(name, *(pair(some, way, when) for some in ("all", "serious") for when in ("first ten seconds", "after 50 seconds"))) for way, name in WAYS.items()])


def posed(read):
    c = read("calibrate")
    rows = [(WAYS.get(k, k), v) for k, v in c["posed"].items()] + [("a stranger, by somebody's serious face", c["strangers"])]
    names = [n for n in LABELS if n in rows[0][1]]
    return text(("CFEE's persons, right after two seconds", *names, "mean"), [(k, *(percent(v[n]) for n in (*names, "mean"))) for k, v in rows])


def held(read):
    return text(("posed, held for a minute, with `resting`", "persons", "shown in the first ten seconds", "after 50 seconds"),
                [(n, v["persons"], percent(v["first ten seconds"]), percent(v["after 50 seconds"])) for n, v in read("calibrate")["held"].items()])


def rounds(read):
    return text(("clips three times in a row", "acceptable", "uncertain", "flips a minute"),
                [(WAYS[k], percent(v["acceptable"]), percent(v["uncertain"]), f"{v['flips a minute']:.1f}") for k, v in read("calibrate")["clips"].items()])


def resting(read):
    r = read("resting")
    return text((f"CFEE's {r['persons']} persons, a minute calm", "shown as neutral", f"as {BAD}", "uncertain"),
                [(w, *(percent(r[f"{w} it, all"][f"calm {k}"]) for k in ("shown as neutral", "shown as angry, sad, fear or disgust", "uncertain"))) for w in ("without", "with")])


def seen(read):
    return text(("before the camera", "pictures", "shown"), [(k, v["pictures"], ", ".join(f"{m} {n}" for m, n in sorted(v["shown"].items(), key=lambda i: -i[1]))) for k, v in read("seen").items()])


TABLES = {"answers": answers, "recall": recall, "curve": curve, "shown": shown, "certainty": certainty, "rule": rule, "covered": covered, "turned": turned, "pets": pets, "fairness": fairness, "found": found,
          "smiles": smiles, "yaw": yaw, "pitch": pitch, "clips": film("video", "smoothing"), "settings": settings, "crossed": crossed, "run_clips": film("video_run", "`moodring run`, settings"), "calm": calm, "posed": posed,
          "held": held, "rounds": rounds, "resting": resting, "seen": seen}
