"""What was aimed at (the least of it) and what was measured, for both cards. Standard library only."""
from .common.markdown import percent, text

MEASURE = "python -m models.train.card --part "
ANGLES = ("10", "20", "30", "45")


def three(x):
    return f"{x:.3f}"


def one(x):
    return f"{x:.1f}"


def rows_of_classifier(read):
    """(measure, least, measured, whether each is met, part)."""
    c, m, (run, film) = read("classifier"), read("mirror"), film_of(read)
    a, turned, shown = m["answers"]["blend"], m["turned"]["3 cuts"], m["answers"]["shown"]["default"]
    yield row("PublicTest, FER2013 answer", [(0.725, c["accuracy"])], percent, "crops")
    yield row("FER+ majority, 8 classes", [(0.865, c["ferplus_output"]["accuracy"])], percent, "crops")
    yield row("wild, default answer: accuracy, macro recall", [(0.67, a["wild"]["accuracy"]), (0.60, a["wild"]["macro"])], percent, "answers")
    yield row("neutral in the wild called angry, sad, fear or disgust, at most", [(0.15, a["wild"]["calm_misread"])], percent, "answers", at_most=True)
    yield row("calibration error, at most: wild; FER+", [(0.05, a["wild"]["calibration_error"]), (0.05, a["PublicTest by FER+'s majority"]["calibration_error"])], three, "answers", at_most=True)
    yield row("shown of wild; right of these", [(0.75, shown["coverage"]), (0.80, shown["right"])], percent, "answers")
    yield row("posed, macro recall: CFEE, Taiwanese", [(0.71, a["cfee, simple"]["macro"]), (0.57, a["taiwanese"]["macro"])], three, "answers")
    yield row("turned by 10, 20, 30, 45: roll within 5 degrees", [(0.90, turned[k]["within 5 degrees"]) for k in ANGLES], percent, "turned")
    yield row("turned by 10, 20, 30, 45: same expression", [(0.92, turned[k]["same expression"]) for k in ANGLES], percent, "turned")
    yield row("robustness", [(0.945, c["robustness"])], three, "crops")
    yield row("pets with a face, at most, by `moodring analyze`", [(0.02, read("detector_program")["pets"]["with a face"])], percent, "analyzed", at_most=True)
    yield row("real faces lost, at most", [(0.005, m["faces"]["wild faces lost"]["share"])], percent, "faces", at_most=True)
    yield row(f"clips at 30 frames a second, {film}: acceptable", [(0.85, run["acceptable"])], percent, "run")
    yield row("clips: flips a minute, at most", [(6, run["flips a minute"])], one, "run", at_most=True)
    yield row("clips: median delay in s, at most", [(0.7, run["median delay, seconds"])], lambda x: f"{x:.2f}", "run", at_most=True)


def film_of(read):
    """(the default's line on the clips, whose it is): `moodring run` itself, or until that was measured its imitation."""
    try:
        return read("video_run")["30 frames a second"]["the default"], "`moodring run`"
    except FileNotFoundError:
        lines = read("video")["smoothings"]["30 frames a second"]
        return next(v for k, v in lines.items() if k.startswith("the default")), "its imitation"


def rows_of_detector(read):
    asked, alone = read("detector_measure")["detector.onnx"]["at"]
    look, stress = read("detector_measure")["detector.onnx"]["one look"], read("detector_stress")
    seen = read("detector_program")
    turned, false = seen["turned"], seen["false in 1,000"]
    yield row("AP, WIDER subset, one look at 320", [(0.937, look["AP, one look at 320"])], three, "noticed")
    yield row("tilted into frames, found by `moodring analyze`", [(0.98, seen["near"]["found"])], percent, "analyzed")
    yield row("the same by one live look", [(0.97, asked["near, by one live look"])], percent, "noticed")
    yield row("photos turned by 20, 30, 45: found by `moodring analyze`", [(0.99, turned[k]["found"]) for k in ANGLES[1:]], percent, "analyzed")
    yield row("the same: roll of the drawn eyes within 5 degrees", [(0.80, turned[k]["roll of the eyes within 5"]) for k in ANGLES[1:]], percent, "analyzed")
    yield row("the same: roll of the landmarks by the detector alone", [(0.80, asked[f"turned by {k}, roll within 5"]) for k in (20, 30, 45)], percent, "noticed")
    yield row("pets with a face, at most: detector alone", [(0.08, alone["pets"])], percent, "noticed", at_most=True)
    yield row("pets with a face, at most, by `moodring analyze`", [(0.02, seen["pets"]["with a face"])], percent, "analyzed", at_most=True)
    yield row("false faces in 1,000 rooms and scenes, animals, at most, by `moodring analyze`", [(15, false["rooms and scenes"]), (40, false["animals"])], one, "analyzed", at_most=True)
    changes = stress["changes"]
    yield row("AP under drawn masks, dark glasses, a tenth of the light",
              [(0.80, changes["a mask (lower half)"]["ap"]), (0.86, changes["dark glasses"]["ap"]), (0.84, changes["a tenth of the light"]["ap"])], three, "stress")
    yield row("profiles, recall", [(0.86, stress["turned"]["profiles"]["recall"])], three, "stress")


def row(name, pairs, form, part, at_most=False):
    met = [(value <= least if at_most else value >= least) for least, value in pairs]
    return name, pairs, form, met, part


def table(rows):
    def cells(values, form):
        return ", ".join(dict.fromkeys(form(v) for v in values)) if len(set(values)) == 1 else ", ".join(map(form, values))

    return text(("target", "least", "measured", "met", "command"),
                [(name, cells([p[0] for p in pairs], form), ", ".join(form(p[1]) for p in pairs), "yes" if all(met) else "**no**" if not any(met) else f"**{sum(met)} of {len(met)}**",
                  f"`{MEASURE}{part}`") for name, pairs, form, met, part in rows])


TABLES = {"targets_classifier": lambda read: table(rows_of_classifier(read)), "targets_detector": lambda read: table(rows_of_detector(read))}
