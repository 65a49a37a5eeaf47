#include "runner/stop.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t asked;
static struct loop *volatile running;

static void on_signal(int sig)
{
    (void)sig;
    asked = 1;
    if (running)
        loop_stop(running);
}

void stop_on_signals(struct loop *l)
{
    struct sigaction act = {.sa_handler = on_signal};

    asked = 0;
    running = l;
    sigaction(SIGTERM, &act, NULL);
    sigaction(SIGINT, &act, NULL);
    signal(SIGPIPE, SIG_IGN);
}

void stop_forget(void)
{
    running = NULL;
}

bool stop_asked(void)
{
    return asked;
}
