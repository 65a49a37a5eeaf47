/* SIGTERM and SIGINT end a loop in good order. */
#ifndef VMCONFORM_RUNNER_STOP_H
#define VMCONFORM_RUNNER_STOP_H

#include <stdbool.h>

#include "net/loop.h"

/* From now on, whatever came before. A peer that goes away is an error that writing returns, no
 * signal. */
void stop_on_signals(struct loop *l);

/* Before the loop is destroyed. */
void stop_forget(void);

/* Whether a signal came. */
bool stop_asked(void);

#endif
