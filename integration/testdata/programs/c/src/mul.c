#include <calc/calc.h>

number mul(number a, number b) { return a * b; }
