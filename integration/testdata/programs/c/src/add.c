#include <calc/calc.h>

number add(number a, number b) { return a + b; }
