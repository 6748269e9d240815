#!/usr/bin/env python3
"""The tools that check the documents must be able to fail: stale figures, figures without a name, links to nowhere. tests/docs calls it."""
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "docs/tools"))

import book  # noqa: E402
import figures  # noqa: E402
import links  # noqa: E402
import markdown  # noqa: E402
from figure_source import Figures  # noqa: E402

NET = "models/weights/detector.moodnet"
MEASURED = {"command": "bench", "date": "2026-11-22", "machine": "pc"}
SETTINGS = {
    "machine": {"pc": "a PC"},
    "figure": {
        "net": {"mmac": {"net": NET, "count": "mmac"}, "version": {"net": NET, "count": "version"}},
        "speed": {"frame": {"text": "1.9 ms", **MEASURED}, "bare": {"text": "2.0 ms"}},
        "card": {"ap": {"from": "models/cards/detector.json", "key": "wider_320.ap", "form": "three"}},
    },
    "card": {"tables": ["-m", "some.tables"]},
    "table": {"one": {**MEASURED, "head": ["what", "time"], "rows": [["a frame", "{speed.frame}"]]},
              "odd": {**MEASURED, "head": ["what", "time"], "rows": [["a frame"]]}},
}


class FiguresTest(unittest.TestCase):
    def setUp(self):
        self.figures = Figures(SETTINGS, REPOSITORY)

    def wrong(self, text):
        return list(figures.check_text("page.md", text, self.figures))

    def test_a_right_figure_passes_and_a_stale_one_is_named_and_mended(self):
        self.assertEqual(self.wrong("It takes **1.9 ms<!--=speed.frame-->**.\n"), [])
        stale = "It takes **12.25 ms<!--=speed.frame-->**.\n"
        self.assertIn("page.md:1", self.wrong(stale)[0])
        self.assertEqual(figures.written(stale, self.figures), "It takes **1.9 ms<!--=speed.frame-->**.\n")

    def test_two_figures_in_one_line_do_not_touch_each_other(self):
        text = "7 MMAC<!--=net.mmac--> in 3 ms<!--=speed.frame--> of 90 MMAC<!--=then-->"
        mmac = self.figures["net.mmac"]
        self.assertEqual(figures.written(text, self.figures), f"{mmac}<!--=net.mmac--> in 1.9 ms<!--=speed.frame--> of 90 MMAC<!--=then-->")

    def test_another_unit_or_an_unknown_name_is_an_error(self):
        self.assertIn("something like '1.9 ms'", self.wrong("It takes 1.9 s<!--=speed.frame-->.")[0])
        self.assertIn("no figure speed.mood", self.wrong("It takes 1.9 ms<!--=speed.mood-->.")[0])

    def test_a_measured_figure_says_how_it_was_measured(self):
        self.assertIn("lacks command, date, machine", self.wrong("2.0 ms<!--=speed.bare-->")[0])

    def test_tables_are_written_whole_and_a_changed_cell_is_noticed(self):
        whole = figures.written("<!--table one-->\n<!--/table-->\n", self.figures)
        self.assertIn("| a frame | 1.9 ms |\n", whole)
        self.assertIn("bench; a PC; 2026-11-22.", whole)
        self.assertEqual(self.wrong(whole), [])
        self.assertNotEqual(self.wrong(whole.replace("1.9", "1.8")), [])
        self.assertIn("has 1 cells", self.wrong("<!--table odd-->\n<!--/table-->\n")[0])

    def test_figures_come_from_measurements_and_nets(self):
        self.assertRegex(self.figures["card.ap"], r"^0\.\d{3}$")
        self.assertRegex(self.figures["net.mmac"], r"^\d+ MMAC$")
        self.assertRegex(self.figures["net.version"], r"^\d+\.\d+\.\d+$")

    def test_a_figure_straight_out_of_a_card(self):
        stale = "AP 0.111<!--=@detector/wider_320/ap:three--> of 1<!--=@detector/wider_320/faces:count--> faces\n"
        fresh = figures.written(stale, self.figures)
        self.assertRegex(fresh, r"^AP 0\.\d{3}<.* of 255<")
        self.assertIn("page.md:1", self.wrong(stale)[0])
        self.assertEqual(self.wrong(fresh), [])
        self.assertRegex(self.figures["@detector/sweep/0/threshold:two"], r"^0\.\d\d$")
        for nowhere in ("@detector/wider_320/apes:three", "@dentist/ap:three", "@detector/wider_320/ap:many", "@detector/sweep/99:three"):
            self.assertIn("models/cards has no figure", self.wrong(f"0.111<!--={nowhere}-->")[0])

    def test_the_cards_tables_are_written_and_a_changed_cell_is_noticed(self):
        asked = []
        own = Figures(SETTINGS, REPOSITORY, lambda command: asked.append(command) or {"one": "| 1.5 |\n"})
        whole = figures.written("<!--card one-->\n| 1.4 |\n<!--/card-->\n<!--card one-->\n<!--/card-->\n", own)
        self.assertEqual(whole.count("| 1.5 |"), 2)
        self.assertEqual(asked, [["-m", "some.tables"]], "asked once")
        self.assertNotEqual(list(figures.check_text("card.md", whole.replace("1.5", "1.6", 1), own)), [])
        self.assertIn("has no table two", list(figures.check_text("card.md", "<!--card two-->\n<!--/card-->\n", own))[0])
        self.assertEqual(list(figures.check_names("card.md", whole, [r"\d\.\d"])), [])

    def test_a_measurement_of_former_weights_is_named(self):
        one = {"file": "detector.json", "weights": {"detector": hashlib.sha256((REPOSITORY / NET).read_bytes()).hexdigest()[:16]}}
        self.assertEqual(list(figures.check_measured({"boxes": one})), [])
        found = list(figures.check_measured({"boxes": one | {"weights": {"detector": "0" * 16}}}))
        self.assertIn("python -m models.train.card --part boxes", found[0])

    def test_a_figure_without_a_name_is_noticed_but_not_in_code_and_tables(self):
        patterns = [r"\d+ MMAC", r"\d+\.\d+ ?%"]

        def unnamed(text):
            return list(figures.check_names("page.md", text, patterns))
        self.assertEqual(len(unnamed("118 MMAC a frame, 85.2 % of it\n")), 2)
        self.assertEqual(unnamed("**98 MMAC**<!--=net.mmac--> and 90 MMAC<!--=then-->\n"), [])
        self.assertEqual(unnamed("see\n\n    moodring 85.2 %\n\nand `85.2 %`\n"), [])
        self.assertEqual(unnamed("<!--table one-->\n| 85.2 % |\n<!--/table-->\n"), [])


class LinksTest(unittest.TestCase):
    TRACKED = {"README.md", "docs/speed.md", "docs"}

    def wrong(self, target):
        return list(links.check_link("docs/speed.md", 3, target, self.TRACKED, lambda path: {"speed", "a-b"}))

    def test_links_that_lead_somewhere(self):
        for target in ("../README.md", "#speed", "speed.md#a-b", ".", "https://rustup.rs", "mailto:somebody@example.org"):
            self.assertEqual(self.wrong(target), [], target)

    def test_links_that_do_not(self):
        for target in ("README.md", "#slow", "../README.md#slow", "../../else.md", "/README.md"):
            self.assertEqual(len(self.wrong(target)), 1, target)

    def test_a_path_in_code_must_exist(self):
        found = list(links.check_code("page.md", "`tests/run` and `tests/walk`\n", {"tests/run"}, lambda path: False))
        self.assertEqual(found, ["page.md:1: there is no tests/walk"])


class MarkdownTest(unittest.TestCase):
    def test_anchors_are_those_of_github(self):
        text = "# A `b` c-d\n## It's 5.1 %, (really)\n## Same\n## Same\n## [Link](x.md) <!-- note -->\n"
        self.assertEqual(markdown.anchors(text), {"a-b-c-d", "its-51--really", "same", "same-1", "link"})

    def test_links_within_pictures_and_after_code_but_not_in_code(self):
        text = "[![a](b.png)](c.md) and [`core`](core.md)\n\n    [no](no.md)\n\n```\n[no](no.md)\n```\n`[no](no.md)`\n"
        self.assertEqual({target for _, target in markdown.links(text)}, {"b.png", "c.md", "core.md"})


class FrontDoorTest(unittest.TestCase):
    def test_the_readme_is_read_in_one_sitting(self):
        text = (REPOSITORY / "README.md").read_text()
        self.assertLessEqual(text.count("\n"), 100, "details belong into docs/")

    def test_the_files_that_the_readme_names_are_there(self):
        for path in ("firmware/core/src/mood.rs", "firmware/face/src/parts/mouth.rs", "daemon/mqtt/src/outbox.rs", "daemon/src/lib.rs"):
            self.assertTrue((REPOSITORY / path).is_file(), path)


class GuideTest(unittest.TestCase):
    def test_the_kiosks_unit_starts_without_a_desktop_and_shows_the_face_alone(self):
        kiosk = (REPOSITORY / "deploy/kiosk.md").read_text()
        unit = kiosk[kiosk.index("[Unit]") : kiosk.index("`sudo systemctl enable --now mood-screen`")]
        self.assertIn("WantedBy=multi-user.target\n", unit)  # Raspberry Pi OS Lite never reaches graphical.target
        self.assertRegex(unit, r"ExecStart=.* http://127\.0\.0\.1:8080/face\n")

    def test_the_containers_page_can_be_reached_and_only_with_a_token(self):
        compose = (REPOSITORY / "deploy/container/compose.yaml").read_text()
        for line in ("MOODRING_WEB__LISTEN: 0.0.0.0:8080", "MOODRING_WEB__TOKEN_FILE: /run/secrets/page-token", "- 127.0.0.1:8080:8080"):
            self.assertIn(line, compose)
        ignored = (REPOSITORY / ".dockerignore").read_text().split()
        self.assertTrue({".git", "**/target", "deploy/container/page-token"} <= set(ignored))

    def test_installed_settings_name_what_is_installed(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            program = root / "program"
            program.write_text('#!/bin/sh\nmkdir -p "$2/man" "$2/completions"\n: >"$2/man/moodring.1"\n: >"$2/completions/moodring.bash"\n')
            program.chmod(0o755)
            environment = {**os.environ, "PREFIX": "/usr/local", "DESTDIR": folder, "MOODRING_BIN": str(program)}
            subprocess.run([REPOSITORY / "deploy/install.sh"], env=environment, check=True, capture_output=True, umask=0o077)
            settings = root / "etc/moodring/moodring.toml"
            self.assertEqual(settings.stat().st_mode & 0o777, 0o644)
            named = re.findall(r"/usr/[\w./-]*\w", settings.read_text())
            self.assertGreater(len(named), 1)
            for path in named:
                self.assertTrue((root / path.lstrip("/")).exists(), path)


class BookTest(unittest.TestCase):
    def test_a_broken_link_of_the_site_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            site = pathlib.Path(folder)
            (site / "a.html").write_text('<h1 id="top">A</h1><a href="b.html#there">b</a><a href="#top">top</a><a href="c.html">c</a><img src="d.png">')
            (site / "b.html").write_text('<h1 id="here">B</h1>')
            found = sorted(book.broken(site.resolve()))
        self.assertEqual(found, ["a.html: b.html#there has no such heading", "a.html: c.html is not in the site", "a.html: d.png is not in the site"])

    def test_every_document_is_in_the_contents_once(self):
        named = book.CHAPTER.findall(book.summary())
        self.assertEqual(sorted(named), [document for document in markdown.files() if document != book.SUMMARY])


if __name__ == "__main__":
    unittest.main()
