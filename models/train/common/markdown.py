"""Tables of the model cards: printed as Markdown, to be pasted between the cards' sentences."""


def table(head, rows):
    """The first column is text, the others are figures."""
    print("\n| " + " | ".join(head) + " |")
    print("|---" + "|---:" * (len(head) - 1) + "|")
    for row in rows:
        print("| " + " | ".join(str(v) for v in row) + " |")
