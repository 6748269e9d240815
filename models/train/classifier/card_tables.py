"""The classifier's tables on FER2013's PublicTest, from models/cards. Standard library only: `models.train.tables` writes them into the card."""
from ..common.markdown import percent, text

PLUS_TOO = "contempt"


def figures(read):
    c, plus = read("classifier"), read("classifier")["ferplus_output"]
    rows = [("FER2013, PublicTest, 3,589 faces", f"**{100 * c['accuracy']:.2f} %**"),
            (f"leak-free, {c['leak_free_count']:,} faces", percent(c["accuracy_leak_free"])),
            ("the same faces aligned by YuNet's landmarks where trusted, the daemon's way", percent(c["accuracy_aligned"])),
            ("macro recall, macro F1", f"{c['macro_recall']:.3f}, {c['macro_f1']:.3f}"),
            (f"**FER+ majority** by the FER+ answer, {plus['count']:,} faces, 8 classes", f"**{percent(plus['accuracy'])}**"),
            ("the same as the daemon uses it, without contempt (which is then always wrong)", percent(plus["accuracy_without_contempt"])),
            ("FER+ majority by the FER2013 answer", percent(c["ferplus_accuracy"])),
            ("calibration error, 15 bins; temperature crossed over halves; of the FER+ answer",
             f"{c['calibration_error']:.3f}; {c['calibration_error_crossed']:.3f}; {plus['calibration_error']:.3f}"),
            ("with the mirrored picture added (two passes)", percent(c["accuracy_mirrored_too"])),
            ("robustness: mean of the changes below / clean", f"{c['robustness']:.3f}"),
            (f"dark pictures (mean grey below {c['accuracy_dark']['mean_below']}), {c['accuracy_dark']['count']} faces", percent(c["accuracy_dark"]["accuracy"]))]
    return text(("measure", "value"), rows)


def float_net(read):
    f = read("classifier_float")
    return text(("float net against int8", "FER2013 answer", "FER+ answer"),
                [("float accuracy", percent(f["float_accuracy"]), percent(f["float_accuracy_ferplus_output"])),
                 ("lost to int8, points", f"{f['lost_to_int8_points']:.2f}", f"{f['lost_to_int8_points_ferplus_output']:.2f}"),
                 ("same answer", percent(f["same_answer_as_float"]), "")])


def peers(read):
    c = read("classifier")
    ours = {"ferplus": f"{100 * c['ferplus_accuracy']:.1f} ({100 * c['ferplus_output']['accuracy']:.1f} by its FER+ answer)"} | c
    nets = [("**moodring, int8**", ours)] + [(n.split("_")[0] + " XCEPTION", p | {"ferplus": f"{100 * p['ferplus_accuracy']:.1f}"}) for n, p in read("peers").items()]
    return text(("net", "PublicTest %", "leak-free %", "macro recall", "FER+ %", "aligned %", "robustness"),
                [(n, f"{100 * p['accuracy']:.1f}", f"{100 * p['accuracy_leak_free']:.1f}", f"{p['macro_recall']:.3f}", p["ferplus"], f"{100 * p['accuracy_aligned']:.1f}",
                  f"{p['robustness']:.3f}") for n, p in nets])


def per_class(read):
    return text(("expression", "pictures", "precision", "recall", "F1"),
                [(n, v["count"], *(f"{v[k]:.3f}" for k in ("precision", "recall", "f1"))) for n, v in read("classifier")["per_class"].items()])


def confusion(read):
    labels = list(read("classifier")["per_class"])
    return text(("is \\ said", *labels), [(n, *row) for n, row in zip(labels, read("classifier")["confusion"])])


def confusion_plus(read):
    labels = (*read("classifier")["per_class"], PLUS_TOO)
    return text(("FER+: is \\ said", *labels), [(n, *row) for n, row in zip(labels, read("classifier")["ferplus_output"]["confusion"])])


def changes(read):
    return text(("change", "accuracy"), [(n, percent(v)) for n, v in read("classifier")["changed"].items()])


def taken_for(read):
    """What each expression is most often taken for, by either labels."""
    c = read("classifier")
    labels = list(c["per_class"])
    rows = []
    for name, table, names in (("FER2013", c["confusion"], labels), ("FER+", c["ferplus_output"]["confusion"], [*labels, PLUS_TOO])):
        for n, row in zip(names, table):
            wrong, other = max((v, m) for v, m in zip(row, names) if m != n)
            rows.append((name, n, other, percent(wrong / sum(row), 0)))
    return text(("labels", "expression", "most often taken for", "share of it"), rows)


def zoo(read):
    def line(r):
        trained = "public_test" in r
        return (f"{r['net']} ({r['source']})", r["reported"], f"{r['parameters']:,}", f"{r['mmac']:.1f}", r.get("epochs", 0),
                f"{r['public_test']} ({r['leak_free']})" if trained else "not trained", r.get("public_test_int8", "-"), f"{r['time_to_ours']:.2f}")
    return text(("net", "its project's figure", "parameters", "MMAC", "epochs", "PublicTest (leak-free) %", "in int8 %", "int8 time / ours"), map(line, read("zoo")))


TABLES = {"crops": figures, "float": float_net, "peers": peers, "per_class": per_class, "confusion": confusion, "confusion_plus": confusion_plus, "changes": changes,
          "taken_for": taken_for, "zoo": zoo}
