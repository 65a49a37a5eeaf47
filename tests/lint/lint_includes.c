/* Which folder may include which: the order of the house, from the #include lines alone. */
#include "tests/lint/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const struct rule {
    const char *folder, *may[11];
} rules[] = {
    {"base", {"base"}},
    {"sched", {"base", "sched"}},
    {"net", {"base", "sched", "net"}},
    {"kube", {"base", "kube"}},
    {"cel", {"base", "kube", "cel"}},
    {"qcow2", {"base", "qcow2"}},
    {"sim", {"base", "sched", "kube", "cel", "qcow2", "sim"}},
    {"components", {"base", "kube", "cel", "qcow2", "components"}},
    {"fixtures", {"base", "kube", "qcow2", "fixtures"}},
    {"reports", {"base", "reports"}},
    {"runner",
     {"base", "sched", "kube", "cel", "qcow2", "sim", "components", "fixtures", "reports", "net"}},
};

/* Inside sim/, where "sim" is what stands in that folder itself: the world and the way to it. A
 * room that is not here may use all of them, and none of them it. */
static const struct rule sim_rules[] = {
    {"sim/crds", {"sim/crds"}},
    {"sim/apiserver", {"sim/crds", "sim/apiserver"}},
    {"sim", {"sim/apiserver", "sim"}},
    {"sim/auth", {"sim/apiserver", "sim/auth"}},
    {"sim/rest", {"sim/apiserver", "sim/auth", "sim/rest"}},
    {"sim/admission", {"sim/apiserver", "sim", "sim/auth", "sim/admission"}},
    {"sim/controllermanager", {"sim/apiserver", "sim", "sim/admission", "sim/controllermanager"}},
    {"sim/controller", {"sim/apiserver", "sim", "sim/controller"}},
    {"sim/provisioner", {"sim/apiserver", "sim", "sim/controller", "sim/provisioner"}},
    {"sim/storage", {"sim/apiserver", "sim", "sim/controller", "sim/storage"}},
    {"sim/kubelet", {"sim/apiserver", "sim", "sim/controller", "sim/storage", "sim/kubelet"}},
    {"sim/velero", {"sim/apiserver", "sim", "sim/controller", "sim/storage", "sim/velero"}},
    {"sim/kubevirt",
     {"sim/apiserver", "sim", "sim/auth", "sim/controller", "sim/storage", "sim/kubelet",
      "sim/kubevirt"}},
};

static const struct rule *rule_of(const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        size_t len = strlen(rules[i].folder);
        if (strncmp(path, rules[i].folder, len) == 0 && path[len] == '/')
            return &rules[i];
    }
    return NULL;
}

/* "sim/rest" of "sim/rest/x.c", "sim" of "sim/world.c". New; NULL: not of sim/. */
static char *sim_room(const char *path)
{
    if (strncmp(path, "sim/", 4) != 0)
        return NULL;
    const char *slash = strchr(path + 4, '/');
    return mem_strndup(path, slash ? (size_t)(slash - path) : 3);
}

static bool sim_may_include(const char *from, const char *to)
{
    for (size_t i = 0; i < ARRAY_LEN(sim_rules); i++) {
        const struct rule *r = &sim_rules[i];

        if (strcmp(r->folder, from) != 0)
            continue;
        for (size_t k = 0; k < ARRAY_LEN(r->may) && r->may[k]; k++)
            if (strcmp(r->may[k], to) == 0)
                return true;
        return false;
    }
    return true;
}

static bool may_include(const struct rule *from, const struct rule *to)
{
    if (from == to)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(from->may) && from->may[i]; i++)
        if (strcmp(from->may[i], to->folder) == 0)
            return true;
    return false;
}

static size_t folder_len(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) : 0;
}

/* x_priv.h is for the files of its own module: the folder itself or one below. */
static bool foreign_private(const char *path, const char *included)
{
    size_t len = folder_len(included);
    return strstr(included, "_priv.h") && strncmp(path, included, len + 1) != 0;
}

static void check_one(const struct source *s, unsigned line, const char *included,
                      struct findings *f)
{
    const struct rule *from = rule_of(s->path), *to = rule_of(included);
    AUTO(str) char *room = sim_room(s->path);
    AUTO(str) char *other = sim_room(included);

    if (!strchr(included, '/')) {
        finding(f, s->path, line, "\"%s\": includes are written from the root of the repository",
                included);
        return;
    }
    if (!from)
        return; /* tests, fuzzers and benchmarks may use everything */
    if (!to)
        finding(f, s->path, line, "%s/ must not include \"%s\"", from->folder, included);
    else if (!may_include(from, to))
        finding(f, s->path, line, "%s/ must not include %s/: \"%s\"", from->folder, to->folder,
                included);
    else if (room && other && !sim_may_include(room, other))
        finding(f, s->path, line, "%s/ must not include %s/: \"%s\"", room, other, included);
    else if (foreign_private(s->path, included))
        finding(f, s->path, line, "\"%s\" is visible inside its own folder only", included);
}

/* The name between the quotes of an #include line, or NULL. New. */
static char *quoted_include(const char *line)
{
    const char *p = line + strspn(line, " \t"), *end;

    if (*p != '#')
        return NULL;
    p += 1 + strspn(p + 1, " \t");
    if (strncmp(p, "include", 7) != 0)
        return NULL;
    p += 7 + strspn(p + 7, " \t");
    end = *p == '"' ? strpbrk(p + 1, "\"\n") : NULL;
    return end && *end == '"' ? mem_strndup(p + 1, (size_t)(end - p) - 1) : NULL;
}

/* Whether `first` is the header of the source file: x.h or x_priv.h beside x.c. */
static bool is_own(const struct source *s, const char *first)
{
    size_t stem = strlen(s->path) - 2;

    return first && strncmp(first, s->path, stem) == 0 &&
           (strcmp(first + stem, ".h") == 0 || strcmp(first + stem, "_priv.h") == 0);
}

/* x.c begins with x.h, which proves that x.h stands alone. */
static void check_own_first(const struct tree *t, const struct source *s, const char *first,
                            struct findings *f)
{
    AUTO(str) char *own = mem_strdup(s->path);
    size_t len = strlen(own);

    if (own[len - 1] != 'c' || own[len - 2] != '.')
        return;
    own[len - 1] = 'h';
    if (tree_find(t, own) && !is_own(s, first))
        finding(f, s->path, 0, "its own header \"%s\" must be included first", own);
}

void lint_includes(const struct tree *t, struct findings *f)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct source *s = &t->items[i];
        AUTO(str) char *first = NULL;
        const char *line = s->strings;

        for (unsigned n = 1; s->is_c && line; n++) {
            AUTO(str) char *included = quoted_include(line);

            if (included)
                check_one(s, n, included, f);
            if (included && !first)
                first = TAKE(included);
            line = strchr(line, '\n');
            line = line ? line + 1 : NULL;
        }
        if (s->is_c && rule_of(s->path))
            check_own_first(t, s, first, f);
    }
}
