"""The same arithmetic as in firmware/core/src/brighten.rs: both tests hold the same numbers."""
import unittest

import numpy as np

from models.train.common.brighten import brightened, gain


def example(divisor):
    return (np.arange(120) * 7 % 251 // divisor).astype(np.uint8).reshape(10, 12)


class Brighten(unittest.TestCase):
    def test_the_daemon_gets_the_same(self):
        self.assertEqual([gain(example(d)) for d in (1, 4, 8, 40)], [256, 503, 1024, 1280])
        self.assertEqual(brightened(example(8))[0].tolist(), [0, 0, 4, 8, 12, 16, 20, 24, 28, 28, 32, 36])

    def test_what_is_bright_enough_stays_and_black_stays_black(self):
        for value in (0, 60, 200):
            picture = np.full((6, 8, 3), value, np.uint8)
            self.assertTrue((brightened(picture) == picture).all())


if __name__ == "__main__":
    unittest.main()
