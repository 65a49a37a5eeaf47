/* Workers take stripes in order, a few ahead of the calling thread, which merges their findings. */
#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "qcow2/compare_priv.h"

#define THREADS_MAX 16u
#define SLOTS (2 * THREADS_MAX)

struct slot {
    bool done;
    int result;
    struct qcow2_comparison found;
    struct qcow2_fault fault;
};

struct team {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t stripes, next, merged; /* of all; taken by nobody yet; merged */
    bool stop;
    struct slot slots[SLOTS]; /* slots[stripe % SLOTS] */
};

struct worker {
    struct team *team;
    struct comparer comparer;
    pthread_t thread;
};

/* ---- a worker ---- */

/* False: nothing is left to do. */
static bool take_stripe(struct team *t, uint64_t *ret_stripe)
{
    pthread_mutex_lock(&t->lock);
    while (!t->stop && t->next < t->stripes && t->next >= t->merged + SLOTS)
        pthread_cond_wait(&t->changed, &t->lock);
    bool found = !t->stop && t->next < t->stripes;
    if (found)
        *ret_stripe = t->next++;
    pthread_mutex_unlock(&t->lock);
    return found;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct team *t = w->team;
    uint64_t stripe;
    while (take_stripe(t, &stripe)) {
        struct slot *slot = &t->slots[stripe % SLOTS];
        slot->result = compare_stripe(&w->comparer, stripe, &slot->found, &slot->fault);
        pthread_mutex_lock(&t->lock);
        slot->done = true;
        pthread_cond_broadcast(&t->changed);
        pthread_mutex_unlock(&t->lock);
    }
    return NULL;
}

static struct qcow2_view *view_clone(struct qcow2_view *view)
{
    return view->ops->clone ? view->ops->clone(view) : NULL;
}

static void view_release(struct qcow2_view *view)
{
    if (view)
        view->ops->release(view);
}

static bool worker_start(struct worker *w, struct team *t, const struct comparer *plan)
{
    struct qcow2_view *a = view_clone(plan->a), *b = view_clone(plan->b);
    if (a && b) {
        comparer_init(&w->comparer, plan, a, b);
        w->team = t;
        if (pthread_create(&w->thread, NULL, work, w) == 0)
            return true;
        comparer_finish(&w->comparer);
    }
    view_release(a);
    view_release(b);
    return false;
}

static void worker_join(struct worker *w)
{
    pthread_join(w->thread, NULL);
    comparer_finish(&w->comparer);
    view_release(w->comparer.a);
    view_release(w->comparer.b);
}

/* ---- the calling thread ---- */

static struct slot *await_slot(struct team *t, uint64_t stripe)
{
    struct slot *slot = &t->slots[stripe % SLOTS];
    pthread_mutex_lock(&t->lock);
    while (!slot->done)
        pthread_cond_wait(&t->changed, &t->lock);
    pthread_mutex_unlock(&t->lock);
    return slot;
}

static void free_slot(struct team *t, struct slot *slot)
{
    pthread_mutex_lock(&t->lock);
    slot->done = false;
    t->merged++;
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

static int merge_all(struct team *t, const struct comparer *plan,
                     const struct qcow2_compare_options *options, struct qcow2_comparison *out,
                     struct qcow2_fault *retfault)
{
    for (uint64_t i = 0; i < t->stripes; i++) {
        struct slot *slot = await_slot(t, i);
        if (slot->result < 0) {
            if (retfault)
                *retfault = slot->fault;
            else
                qcow2_fault_clear(&slot->fault);
            slot->fault = (struct qcow2_fault){0};
            return -1;
        }
        compare_merge(out, &slot->found, plan->ranges_max);
        free_slot(t, slot);
        if (options->progress)
            options->progress(options->progress_arg, comparer_end(plan, i), plan->total);
    }
    return 0;
}

static void team_stop(struct team *t, struct worker *workers, unsigned count)
{
    pthread_mutex_lock(&t->lock);
    t->stop = true;
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
    for (unsigned i = 0; i < count; i++)
        worker_join(&workers[i]);
    for (unsigned i = 0; i < SLOTS; i++) {
        qcow2_comparison_finish(&t->slots[i].found);
        qcow2_fault_clear(&t->slots[i].fault);
    }
    pthread_cond_destroy(&t->changed);
    pthread_mutex_destroy(&t->lock);
}

bool compare_threads(const struct comparer *plan, const struct qcow2_compare_options *options,
                     struct qcow2_comparison *out, int *ret_result, struct qcow2_fault *retfault)
{
    struct team team = {.stripes = comparer_stripes(plan)};
    struct worker workers[THREADS_MAX];
    unsigned started = 0;
    pthread_mutex_init(&team.lock, NULL);
    pthread_cond_init(&team.changed, NULL);
    while (started < options->threads && started < THREADS_MAX &&
           worker_start(&workers[started], &team, plan))
        started++;
    if (started > 0)
        *ret_result = merge_all(&team, plan, options, out, retfault);
    team_stop(&team, workers, started);
    return started > 0;
}
