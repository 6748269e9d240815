#!/usr/bin/env python3
"""Every link between the documents leads somewhere: docs/tools/links.py

Relative links must name a file or folder that git has, and a heading there if they name one. Paths in code, such as `tests/run`, must exist,
too, unless git ignores them. Addresses of the network are not asked. Python's standard library only.
"""
import pathlib
import posixpath
import re
import subprocess
import sys

sys.dont_write_bytecode = True  # nothing is left beside the sources

import markdown  # noqa: E402
from markdown import ROOT  # noqa: E402

ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//")
PATH_IN_CODE = re.compile(r"`((?:\.ci|daemon|deploy|docs|firmware|models|tests)/[\w./-]*\w)`")


def resolved(document, target):
    """(path below the root, anchor) of a link that stands in `document`."""
    path, _, anchor = target.partition("#")
    folder = posixpath.dirname(document)
    return posixpath.normpath(posixpath.join(folder, path)) if path else document, anchor


def check_link(document, number, target, tracked, anchors_of):
    if ELSEWHERE.match(target):
        return
    path, anchor = resolved(document, target)
    if path.startswith("../") or path.startswith("/"):
        yield f"{document}:{number}: {target} leads out of the repository"
    elif path not in tracked:
        yield f"{document}:{number}: {target}: there is no {path}"
    elif anchor and path.endswith(".md") and anchor not in anchors_of(path):
        yield f"{document}:{number}: {target}: {path} has no heading #{anchor}"


def check_code(document, text, tracked, ignored):
    for line in markdown.lines(text):
        for found in PATH_IN_CODE.finditer(line.raw):
            if found[1] not in tracked and not ignored(found[1]):
                yield f"{document}:{line.number}: there is no {found[1]}"


def tracked_paths():
    """Files and their folders."""
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"],
                            check=True, capture_output=True, text=True).stdout.split("\n")
    files = {name for name in listed if name and (ROOT / name).exists()}
    return files | {str(folder) for name in files for folder in pathlib.PurePosixPath(name).parents}


def ignored(path):
    """Whether git ignores this path, be it a file or a folder that is not there yet."""
    asked = ["git", "-C", str(ROOT), "check-ignore", path, f"{path}/"]
    return subprocess.run(asked, check=False, capture_output=True).returncode == 0


def problems():
    tracked, known = tracked_paths(), {}

    def anchors_of(path):
        if path not in known:
            known[path] = markdown.anchors((ROOT / path).read_text())
        return known[path]

    for document in markdown.files():
        text = (ROOT / document).read_text()
        for number, target in markdown.links(text):
            yield from check_link(document, number, target, tracked, anchors_of)
        # The changelog and the decisions speak of what was; so do the cards of scripts that came and went.
        if document != "CHANGELOG.md" and not document.startswith("docs/decisions/"):
            yield from check_code(document, text, tracked, ignored)


def main():
    if len(sys.argv) > 1:
        sys.exit(__doc__)
    found = sorted(set(problems()))
    print("\n".join(found) or f"links: all lead somewhere, in {len(markdown.files())} documents", file=sys.stderr if found else sys.stdout)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
