/* What is written twice, in another layout; what is short; and what is excused, in other.c. */
int first(int a)
{
    int b = a + 1;
    int c = b * 2;
    int d = c - 3;

    if (d > 4)
        d = 4;
    return b + c + d;
}

int second(int a)
{
    int b  =  a + 1; /* a comment hides nothing */
    int c = b * 2;
    // nor does a line of its own
    int d = c - 3;
    if (d > 4)
    {
        d = 4;
    }
    return b + c + d;
}

int five_lines_are_few(int a)
{
    int b = a + 1;
    int c = b * 2;
    int d = c - 3;
    if (d > 4)
        d = 4;
    return d;
}

int excused(int z)
{
    int y = z + 1;
    int x = y + 2;
    int w = x + 3;
    int v = w + 4;
    int u = v + 5;
    return u;
}
