/* A sample that the lints must refuse. */
#ifndef BAD_CLOCK_H
#define BAD_CLOCK_H
#include "kube/meta.h"
struct clock_ops { long (*time)(void); int (*sleep)(long ns); };
#endif
