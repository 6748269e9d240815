#!/usr/bin/env python3
"""What count/ computes itself, without an emulator: estimates, shares, the plugin's lines. `deploy/cross` is not needed; tests/docs runs it."""

import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))

import cycles  # noqa: E402
import estimate  # noqa: E402
import measure  # noqa: E402
import report  # noqa: E402


class EstimateTest(unittest.TestCase):
    def test_least_hides_all_misses_and_most_waits_for_each(self):
        count = {"cycles": 2_000_000, "l1": 1000, "l2": 100}
        least, most = estimate.milliseconds(count, (1.0, 2.0), (10, 150), (0.75, 1.5))
        self.assertAlmostEqual(least, 0.75)
        self.assertAlmostEqual(most, 3.0 + 0.010 + 0.015)

    def test_spread_never_claims_less_than_was_checked(self):
        self.assertEqual(estimate.spread([{"ratio": 1.1}, {"ratio": 1.2}]), (1.0, 1.3))
        self.assertEqual(estimate.spread([{"ratio": 0.7}, {"ratio": 1.6}]), (0.7, 1.6))

    def test_frame_is_the_sum_of_its_parts(self):
        one = {"ours": {"cycles": 1_000_000, "l1": 0, "l2": 0}}
        counts = {"A72": {part: one for part in estimate.PARTS}}
        rows = list(estimate.table(counts, [{"part": part, "ratio": 1.0} for part in estimate.PARTS]))
        self.assertEqual(rows, [["Pi 4", "A72", "0.6 to 0.9", "0.6 to 0.9", "2.8 to 4.3"]])


    def test_in_order_cores_take_at_least_what_the_model_says(self):
        one = {"ours": {"cycles": 1_400_000, "l1": 0, "l2": 0}}
        counts = {"A53": {part: one for part in estimate.PARTS}}
        pi3, _ = estimate.table(counts, [{"part": part, "ratio": 0.5} for part in estimate.PARTS])
        self.assertEqual(pi3[2], "1.0 to 1.5")


class ReportTest(unittest.TestCase):
    def test_ours_is_compared_with_the_better_of_the_others(self):
        record = lambda n: {"instructions": n, "cycles": n, "load_bytes": n, "store_bytes": 0}
        net = {"ours": record(6_000_000), "ONNX Runtime": record(12_000_000), "XNNPACK": record(8_000_000)}
        counts = {"A76": {"detector": net, "classifier": net, "decode": {"ours": record(1)}}}
        self.assertEqual(list(report.rows(counts, "cycles"))[0], ["A76", "detector", "6.00", "12.00", "8.00", "0.75"])
        self.assertEqual(len(list(report.rows(counts, "moved"))), 2)
        self.assertEqual(list(report.nets(counts, "instructions")), [("A76", 0.75)])


class MeasureTest(unittest.TestCase):
    SAID = "neon picturemark 10 1 2 3 4 5 6\nmark 25 2 4 6 8 10 12\nend 30 2 4 6 8 10 12\n"

    def test_marks_are_found_behind_a_program_s_own_words(self):
        found = measure.marks(self.SAID)
        self.assertEqual(len(found), 2)
        self.assertEqual(measure.between(found, 0)["instructions"], 15)
        self.assertEqual(measure.between(found, 0)["l2"], 6)


class CyclesTest(unittest.TestCase):
    def test_code_that_was_translated_twice_counts_once(self):
        self.assertEqual(cycles.read(["3 400000 d503201f\n", "4 500000 d503201f\n"]), {"d503201f": 7})

    def test_rare_blocks_get_the_mean_of_the_others(self):
        blocks = {"aa" * 40: 1_000_000, "bb" * 4: 1}
        original, cycles.modelled = cycles.modelled, lambda codes, _: {code: (10, 20.0) for code in codes}
        try:
            total, share, rows = cycles.total(blocks, "cortex-a53")
        finally:
            cycles.modelled = original
        self.assertEqual(len(rows), 1)
        self.assertAlmostEqual(total, 20e6 / share)
        self.assertLess(share, 1)


if __name__ == "__main__":
    unittest.main()
