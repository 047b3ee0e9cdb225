#ifndef CALC_H
#define CALC_H
#include <calc/types.h>
number add(number a, number b);
number mul(number a, number b);
#endif
