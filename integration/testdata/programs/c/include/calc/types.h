typedef long number;
