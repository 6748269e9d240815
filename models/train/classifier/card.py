"""The card's tables from `evaluate --json`: python -m models.train.classifier.card [--json models/cards/classifier.json]

Prints Markdown, to be pasted between the card's sentences; no figure of the card's tables is typed by hand.
"""
import argparse
import json

from ..common.markdown import table


def percent(x):
    return f"{100 * x:.1f} %"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", default="models/cards/classifier.json")
    with open(parser.parse_args().json) as f:
        c = json.load(f)
    labels = list(c["per_class"])
    plus = c["ferplus_output"]
    rows = [("FER2013, PublicTest, 3,589 faces", f"**{100 * c['accuracy']:.2f} %**"),
            (f"leak-free, {c['leak_free_count']} faces", percent(c["accuracy_leak_free"])),
            ("the same faces aligned by YuNet's landmarks where trusted, the daemon's way", percent(c["accuracy_aligned"])),
            ("macro recall, macro F1", f"{c['macro_recall']:.3f}, {c['macro_f1']:.3f}"),
            (f"**FER+ majority** by the FER+ answer, {plus['count']} faces, 8 classes", f"**{percent(plus['accuracy'])}**"),
            ("the same as the daemon uses it, without contempt (which is then always wrong)", percent(plus["accuracy_without_contempt"])),
            ("FER+ majority by the FER2013 answer", percent(c["ferplus_accuracy"])),
            ("calibration error, 15 bins; temperature crossed over halves; of the FER+ answer",
             f"{c['calibration_error']:.3f}; {c['calibration_error_crossed']:.3f}; {plus['calibration_error']:.3f}"),
            ("with the mirrored picture added (two passes)", percent(c["accuracy_mirrored_too"])),
            ("robustness: mean of the changes below / clean", f"{c['robustness']:.3f}")]
    if "float_accuracy" in c:
        rows.append(("float net; lost to int8; same answer",
                     f"{percent(c['float_accuracy'])}; {c['lost_to_int8_points']:.2f} points; {percent(c['same_answer_as_float'])}"))
        lost = 100 * (c["float_accuracy_ferplus_output"] - plus["accuracy"])
        rows.append(("the same of the FER+ answer", f"{percent(c['float_accuracy_ferplus_output'])}; {lost:.2f} points"))
    table(("measure", "value"), rows)
    table(("expression", "pictures", "precision", "recall", "F1"),
          [(n, v["count"], *(f"{v[k]:.3f}" for k in ("precision", "recall", "f1"))) for n, v in c["per_class"].items()])
    table(("is \\ said", *labels), [(n, *row) for n, row in zip(labels, c["confusion"])])
    table(("FER+: is \\ said", *labels, "contempt"), [(n, *row) for n, row in zip((*labels, "contempt"), plus["confusion"])])
    table(("change", "accuracy"), [(n, percent(v)) for n, v in c["changed"].items()])


if __name__ == "__main__":
    main()
