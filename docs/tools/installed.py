#!/usr/bin/env python3
"""Links between the documents of an installation lead somewhere: docs/tools/installed.py

Installs them into a folder that is thrown away, and follows each relative link. Python's standard library only.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//|/")


def broken(folder):
    for document in sorted(folder.rglob("*.md")):
        for target in LINK.findall(document.read_text(encoding="utf-8")):
            if not ELSEWHERE.match(target) and not (document.parent / target).exists():
                yield f"{document.relative_to(folder)}: {target}"


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name, "doc")
        subprocess.run([ROOT / "deploy" / "documents", folder], check=True)
        wrong, count = list(broken(folder)), len(list(folder.rglob("*.md")))
    if wrong or count < 20:
        sys.exit("installed documents link to what is not there:\n" + "\n".join(wrong or [f"only {count} documents"]))
    print(f"installed: {count} documents, every link leads somewhere")


if __name__ == "__main__":
    main()
