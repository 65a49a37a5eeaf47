int excused_too(int z)
{
    int y = z + 1;
    int x = y + 2;
    int w = x + 3;
    int v = w + 4;
    int u = v + 5;
    return u;
}
