import unittest

from calc import add, mul


class Ops(unittest.TestCase):
    def test_add(self):
        self.assertEqual(add(1, 2), 3)

    def test_mul(self):
        self.assertEqual(mul(6, 7), 42)
