/* A work queue with its one worker. Keys wait in a list ordered by (due time, arrival); a key is
 * there at most once, and an earlier due time wins, as in client-go's delaying queue. */
#include "sim/controller/ctl.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/strmap.h"
#include "kube/meta.h"
#include "kube/time.h"

#define BACKOFF_FIRST_NS (5 * NS_PER_MS)
#define BACKOFF_MAX_NS (1000 * NS_PER_S)
/* In a row, for one key: more than two hours. KubeVirt goes on for ever; here only news wakes the
 * key after that, so that a world with a hopeless object comes to rest. */
#define RETRIES_MAX 24

struct item {
    char *key; /* "ns/name", ns may be empty */
    int64_t due_ns;
    struct item *next;
};

struct worker {
    struct sched *sched;
    struct waitcell *cell;
    reconcile_fn *fn;
    void *cookie;
    struct item *head;
    struct strmap *failures; /* key -> count, as an intptr_t */
};

static void item_free(struct item *it)
{
    free(it->key);
    free(it);
}

static struct item *unlink_key(struct worker *w, const char *key)
{
    for (struct item **p = &w->head; *p; p = &(*p)->next) {
        if (!strcmp((*p)->key, key)) {
            struct item *it = *p;
            *p = it->next;
            return it;
        }
    }
    return NULL;
}

static void add_at(struct worker *w, const char *key, int64_t due_ns)
{
    struct item *it = unlink_key(w, key);
    if (!it) {
        it = mem_zalloc(sizeof *it);
        it->key = mem_strdup(key);
        it->due_ns = due_ns;
    } else if (due_ns < it->due_ns) {
        it->due_ns = due_ns;
    }
    struct item **p = &w->head;
    while (*p && (*p)->due_ns <= it->due_ns)
        p = &(*p)->next;
    it->next = *p;
    *p = it;
    assert(!it->next || it->due_ns < it->next->due_ns); /* behind those of the same time */
    waitcell_signal(w->cell);
}

static int64_t backoff(struct worker *w, const char *key)
{
    intptr_t count = (intptr_t)strmap_get(w->failures, key);
    strmap_put(w->failures, key, (void *)(count + 1));
    if (count >= RETRIES_MAX)
        return 0;
    int64_t delay = BACKOFF_FIRST_NS;
    for (intptr_t i = 0; i < count && delay < BACKOFF_MAX_NS; i++)
        delay *= 2;
    return delay < BACKOFF_MAX_NS ? delay : BACKOFF_MAX_NS;
}

static void work_on(struct worker *w, const char *key)
{
    struct err e = {0};
    int64_t after_ns = 0;
    const char *slash = strchr(key, '/');
    assert(slash);
    AUTO(str) char *ns = mem_strndup(key, (size_t)(slash - key));
    int rc = w->fn(w->cookie, ns, slash + 1, &after_ns, &e);
    err_clear(&e);
    if (sched_crashed(w->sched))
        return;
    int64_t now = sched_now(w->sched);
    if (rc != 0 && after_ns <= 0)
        after_ns = backoff(w, key);
    else if (rc == 0)
        strmap_remove(w->failures, key);
    if (after_ns > 0)
        add_at(w, key, now + after_ns);
}

static void run(void *arg)
{
    struct worker *w = arg;
    for (;;) {
        int64_t due = w->head ? w->head->due_ns : SCHED_NEVER;
        if (due > sched_now(w->sched)) {
            if (waitcell_wait(w->cell, due) == SCHED_CRASHED)
                return;
            continue;
        }
        struct item *it = w->head;
        assert(it); /* SCHED_NEVER is later than any time */
        w->head = it->next;
        AUTO(str) char *key = TAKE(it->key);
        item_free(it);
        work_on(w, key);
        if (sched_crashed(w->sched))
            return;
    }
}

struct worker *worker_start(struct sched *s, struct process *p, const char *name, reconcile_fn *fn,
                            void *cookie)
{
    struct worker *w = mem_zalloc(sizeof *w);
    w->sched = s;
    w->cell = waitcell_create(s, name);
    w->fn = fn;
    w->cookie = cookie;
    w->failures = strmap_create();
    actor_spawn(p, name, run, w);
    return w;
}

void worker_destroy(struct worker *w)
{
    if (!w)
        return;
    while (w->head) {
        struct item *it = w->head;
        w->head = it->next;
        item_free(it);
    }
    strmap_destroy(w->failures, NULL);
    waitcell_destroy(w->cell);
    free(w);
}

void worker_add(struct worker *w, const char *ns, const char *name)
{
    AUTO(str) char *key = mem_printf("%s/%s", ns ? ns : "", name);
    add_at(w, key, sched_now(w->sched));
}

void worker_add_object(struct worker *w, const json_t *obj)
{
    worker_add(w, meta_namespace(obj), meta_name(obj));
}
