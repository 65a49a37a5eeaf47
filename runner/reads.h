/* What each process last received of each object: by a reply to a request of its own, or by a
 * watch. For `event.lastRead`, and to tell what an actor believed when it broke a law. */
#ifndef VMCONFORM_RUNNER_READS_H
#define VMCONFORM_RUNNER_READS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct read_slot {
    uint64_t key;     /* hash of process and object; 0: free */
    uint64_t version; /* the resourceVersion */
    int64_t t;
};
struct reads {
    struct read_slot *slots;
    size_t count, cap;
};

void reads_finish(struct reads *r);
/* Remembers the object, or each item of a list; anything else (a Status) is nothing. The kind is
 * that of the request, since items of lists need not carry theirs. */
void reads_note(struct reads *r, const char *by, const char *cluster, const char *kind,
                const json_t *body, int64_t t);
/* The version that `by` last received and when; 0: none. */
uint64_t reads_version(const struct reads *r, const char *by, const char *cluster, const char *kind,
                       const char *ns, const char *name, int64_t *ret_t);

#endif
