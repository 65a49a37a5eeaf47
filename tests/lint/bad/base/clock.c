/* time(NULL) in a comment is fine; TODO is not. */
#include <time.h>

#include "sim/world.h"
#include "clock.h"

static const char *said = "time(NULL) in a string is fine, \" sleep(1) */";
// rand() here as well
int f(struct clock_ops *ops)
{
    char buf[9];
    ops->sleep(1);
    (*ops).time();
    sprintf(buf, "%p", said);
    strcpy (buf, "/home/someone/x");
    usleep(atoi(buf));
    return (int)time(NULL) + '"' + rand() - '"' + timer(3);
}

int long_one(int a,
             int (*b)(int c))
{
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    a += 1;
    return a;
}
