from importlib import resources

from calc import add, mul

print(add(2, mul(4, 10)), resources.files("calc").joinpath("data.txt").read_text().strip())
