"""Sums and products."""
from calc.ops import add, mul
