/* What the commands of scripts share (script.c, script_backup.c). */
#ifndef VMCONFORM_TESTS_UNIT_SIM_KUBEVIRT_SCRIPT_PRIV_H
#define VMCONFORM_TESTS_UNIT_SIM_KUBEVIRT_SCRIPT_PRIV_H

#include <check.h>
#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "sim/world.h"
#include "tests/unit/sim_kubevirt/script.h"

struct run {
    const struct script_case *c;
    struct world *world;
    struct cluster *cluster;
    struct apiserver *server;
    int line;
    unsigned requests, crash_at; /* of KubeVirt; crash_at 0: none */
    int crash_moment;
    int want_code; /* of the next write; 0: success */
    char *want_text, *want_cause;
    struct strmap *moments; /* name -> struct disk_moment */
};

#define FAIL(r, ...)                                                                               \
    do {                                                                                           \
        AUTO(str) char *text_ = mem_printf(__VA_ARGS__);                                           \
        ck_abort_msg("%s, line %d: %s", (r)->c->name, (r)->line, text_);                           \
    } while (0)

/* Fails the script with the error's text. */
void script_check(struct run *r, int rc, struct err *e);
/* The next word, and what follows; both within the line. */
char *script_word(struct run *r, char **line);
char *script_rest(char **line);
json_t *script_json(struct run *r, const char *text);
json_t *script_object(const char *api_version, const char *kind, const char *name);
void script_create(struct run *r, const json_t *obj);

/* false: it knows no such command. */
bool script_backup_command(struct run *r, const char *name, char *line);
void script_forget_moments(struct run *r);

#endif
