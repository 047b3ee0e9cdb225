#include <calc/calc.h>
#include <stdio.h>

int main(void)
{
	printf("%ld\n", add(2, mul(4, 10)));
	return 0;
}
