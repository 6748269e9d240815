#!/usr/bin/env python3
"""The documents as a small site: docs/tools/book.py MDBOOK builds target/book/html with that mdbook, and checks it.

docs/SUMMARY.md is the table of contents; its paths, like all links in the documents, are the repository's. The documents and what they link to are
copied to target/book/src, so that mdBook sees nothing else. A document that the contents do not name comes last, under "More". Fails if a link or
picture of the site leads nowhere. Python's standard library only.
"""
import html.parser
import pathlib
import posixpath
import re
import shutil
import subprocess
import sys
import urllib.parse

sys.dont_write_bytecode = True  # nothing is left beside the sources

import links  # noqa: E402
import markdown  # noqa: E402
from markdown import ROOT  # noqa: E402

SUMMARY = "docs/SUMMARY.md"
BOOK = ROOT / "target/book"
CHAPTER = re.compile(r"\]\(([^)]+\.md)\)")
EVERY = re.compile(r"^( *)- (\S+/\*\.md)$", re.MULTILINE)


def title(document):
    """The first heading; the path where there is none."""
    return next((line.raw[2:] for line in markdown.lines((ROOT / document).read_text()) if line.raw.startswith("# ")), document)


def summary():
    """The table of contents, with every file that a pattern names, and paths from the root."""
    def listed(found):
        return "\n".join(f"{found[1]}- [{title(document)}](../{document})" for document in markdown.files(found[2]))
    text = EVERY.sub(listed, (ROOT / SUMMARY).read_text())
    text = CHAPTER.sub(lambda found: f"]({links.resolved(SUMMARY, found[1])[0]})", text)
    placed = {SUMMARY, *CHAPTER.findall(text)}
    more = [document for document in markdown.files() if document not in placed]
    return text + "\n# More\n" * bool(more) + "".join(f"- [{title(document)}]({document})\n" for document in more)


def site_text(document, chapters):
    """A document's text; links that the site cannot follow become their words."""
    text = (ROOT / document).read_text()

    def kept(found):
        target = found[1]
        path, anchor = links.resolved(document, target)
        if links.ELSEWHERE.match(target) or path in chapters or (ROOT / path).is_file():
            return rewritten(found[0], target, document, path, anchor)
        return re.sub(r"^!?\[(.*)\]\([^)]*\)$", r"\1", found[0], flags=re.DOTALL)
    return re.sub(r"!?\[(?:[^\[\]]|\[[^\]]*\](?:\([^)]*\))?)*\]\(<?([^)\s>]+)>?\)", kept, text)


def rewritten(link, target, document, path, anchor):
    """mdBook makes README.md an index page; a link to one must say so."""
    if links.ELSEWHERE.match(target) or posixpath.basename(path) != "README.md":
        return link
    page = posixpath.relpath(path, posixpath.dirname(document) or ".").removesuffix("README.md") + "index.html"
    return link.replace(f"]({target})", f"]({page}{'#' + anchor if anchor else ''})")


def gather():
    """Copies what the site shows to target/book/src; returns the chapters."""
    shutil.rmtree(BOOK / "src", ignore_errors=True)
    shutil.rmtree(BOOK / "html", ignore_errors=True)
    contents = summary()
    chapters = CHAPTER.findall(contents)
    if absent := [document for document in chapters if not (ROOT / document).is_file()]:
        sys.exit(f"{SUMMARY} names what is not there: {', '.join(absent)}")
    for document in chapters:
        put(document, site_text(document, set(chapters)))
        for _, target in markdown.links((ROOT / document).read_text()):
            path, _ = links.resolved(document, target)
            if not links.ELSEWHERE.match(target) and path not in chapters and (ROOT / path).is_file():
                put(path)
    put("SUMMARY.md", contents)
    shutil.copy(ROOT / "docs/book.toml", BOOK / "book.toml")
    return chapters


def put(path, text=None):
    to = BOOK / "src" / path
    to.parent.mkdir(parents=True, exist_ok=True)
    if text is None:
        shutil.copyfile(ROOT / path, to)
    else:
        to.write_text(text)


class Page(html.parser.HTMLParser):
    """Where a page's links lead, and what can be linked in it."""

    def __init__(self, path):
        super().__init__()
        self.targets, self.names = [], set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("href", "src") and value:
                self.targets.append(value)
            elif name in ("id", "name") and value:
                self.names.add(value)


def broken(site):
    """Links and pictures of the built site that lead nowhere."""
    pages = {path: Page(path) for path in site.rglob("*.html")}
    for path, page in pages.items():
        for target in page.targets:
            address, _, anchor = target.partition("#")
            if links.ELSEWHERE.match(target) or path.name in ("404.html", "print.html", "toc.html"):
                continue
            to = (path.parent / urllib.parse.unquote(address)).resolve() if address else path
            if not to.exists():
                yield f"{path.relative_to(site)}: {target} is not in the site"
            elif anchor and to in pages and urllib.parse.unquote(anchor) not in pages[to].names:
                yield f"{path.relative_to(site)}: {target} has no such heading"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    chapters = gather()
    built = subprocess.run([sys.argv[1], "build", str(BOOK)], capture_output=True, text=True)
    noise = [line for line in built.stderr.splitlines() if " WARN " in line or "ERROR" in line]
    if built.returncode != 0 or noise:
        sys.exit(f"mdbook: {built.stderr}")
    if found := list(broken(BOOK / "html")):
        sys.exit("\n".join(found))
    print(f"book: {len(chapters)} pages, every link leads somewhere: target/book/html/index.html")


if __name__ == "__main__":
    main()
