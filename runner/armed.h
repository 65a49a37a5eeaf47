/* Steps that wait for their moment: `upon` names it, and the step acts inside it. */
#ifndef VMCONFORM_RUNNER_ARMED_H
#define VMCONFORM_RUNNER_ARMED_H

#include "runner/happening.h"

struct armed {
    const struct step *step;
    struct frame *frame;        /* own copy of the values */
    enum request_moment moment; /* of its `upon`, as are these two */
    uint64_t skip;
    bool optional;
    uint64_t seen; /* matches so far, for `skip` */
    bool fired;
    char *error; /* why `that` of its `upon` last could not be evaluated; NULL: it always could */
};
struct armed_steps {
    struct armed **items;
    size_t count, cap;
    struct armed **due; /* their change has happened; they run when the server is done */
    size_t due_count, due_cap;
    bool running_due;
};

/* 0, or -1 after a verdict: `upon` is not what it must be. */
int armed_add(struct casework *cw, const struct step *step, const struct frame *frame);
void armed_finish(struct armed_steps *a);

/* Runs what is armed for this moment of a request, inside it. */
void armed_fire(struct casework *cw, const struct happening *h, enum request_moment moment,
                json_t *self, json_t *event);
/* Notes what is armed for this change. It is told while the server is still at it: nobody may write
 * then. What is armed for it runs as soon as the server is done (armed_run_due), before the one who
 * caused the change learns of it. */
void armed_queue(struct casework *cw, const struct happening *h, json_t *self, json_t *old,
                 json_t *event);
void armed_run_due(struct casework *cw);
/* At the end of the story: 0, or -1 after a verdict on a moment that never came. */
int armed_judge(struct casework *cw);

#endif
