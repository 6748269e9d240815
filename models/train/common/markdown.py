"""Tables in Markdown: of the model cards, and of what the measuring programs print."""


def text(head, rows):
    """The first column is text, the others are figures."""
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(str(v) for v in row) + " |" for row in rows)]) + "\n"


def table(head, rows):
    print("\n" + text(head, rows), end="")


def percent(x, digits=1):
    return f"{100 * x:.{digits}f} %"
