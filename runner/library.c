/* Fixtures: where they are found, and each read once. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "runner/parse_priv.h"

#define FIXTURE_DEPTH_MAX 8

struct library {
    struct strmap *fixtures; /* path to struct unit */
    struct strmap *broken;   /* path to itself: told once, not once per scenario */
    struct strmap *loading;  /* path to itself: those that are being read now */
};

struct library *library_create(void)
{
    struct library *l = mem_zalloc(sizeof *l);

    l->fixtures = strmap_create();
    l->broken = strmap_create();
    l->loading = strmap_create();
    return l;
}

void library_destroy(struct library *l)
{
    if (!l)
        return;
    strmap_destroy(l->fixtures, (void (*)(void *))unit_destroy);
    strmap_destroy(l->broken, free);
    strmap_destroy(l->loading, free);
    free(l);
}

static bool readable(const char *path)
{
    return access(path, R_OK) == 0;
}

/* Climbs from the folder of `from` to the root, looking for fixtures/NAME.yaml. */
static char *climb(const char *from, const char *name)
{
    AUTO(str) char *dir = mem_strdup(from);

    for (;;) {
        char *slash = strrchr(dir, '/');
        char *path;

        if (slash)
            *slash = '\0';
        else
            *dir = '\0';
        path = slash ? mem_printf("%s/fixtures/%s.yaml", dir, name)
                     : mem_printf("fixtures/%s.yaml", name);
        if (readable(path))
            return path;
        free(path);
        if (!slash)
            return NULL;
    }
}

static char *find_fixture(const char *from, const char *name)
{
    char *path = climb(from, name);

    if (!path) {
        /* The scenario was named from inside its folder: what is above does not stand in its name.
         */
        AUTO(str) char *absolute = realpath(from, NULL);

        path = absolute ? climb(absolute, name) : NULL;
    }
    if (!path)
        path = climb("x", name); /* the current folder */
    if (!path) {
        path = mem_printf("%s/fixtures/%s.yaml", VMCONFORM_DATA_DIR, name);
        if (!readable(path)) {
            free(path);
            path = NULL;
        }
    }
    return path;
}

static bool legal_fixture_name(const char *name)
{
    return *name && *name != '/' && !strstr(name, "..") &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-/") == strlen(name);
}

struct unit *library_fixture(struct parser *p, const char *name, struct src_pos pos)
{
    AUTO(str) char *path = NULL;
    struct unit *u;

    if (!legal_fixture_name(name)) {
        diags_add(p->diags, DIAG_ERROR, pos, "'%s' cannot be the name of a fixture", name);
        return NULL;
    }
    if (p->depth >= FIXTURE_DEPTH_MAX) {
        diags_add(p->diags, DIAG_ERROR, pos, "fixtures include each other more than %d deep",
                  FIXTURE_DEPTH_MAX);
        return NULL;
    }
    path = find_fixture(p->unit->path, name);
    if (!path) {
        diags_add_hint(p->diags, DIAG_ERROR, pos,
                       "fixtures are looked for in the folder fixtures/ above the scenario",
                       "no fixture is called '%s'", name);
        return NULL;
    }
    u = strmap_get(p->library->fixtures, path);
    if (u)
        return u;
    if (strmap_get(p->library->broken, path)) {
        diags_add(p->diags, DIAG_ERROR, pos, "the fixture '%s' has mistakes; see above", name);
        return NULL;
    }
    if (strmap_get(p->library->loading, path)) {
        diags_add(p->diags, DIAG_ERROR, pos, "the fixture '%s' includes itself", name);
        return NULL;
    }
    strmap_put(p->library->loading, path, mem_strdup(path));
    u = unit_load(p->library, path, true, p->depth + 1, p->diags);
    free(strmap_remove(p->library->loading, path));
    if (!u) {
        diags_add(p->diags, DIAG_NOTE, pos, "in fixture '%s', included here", name);
        strmap_put(p->library->broken, path, mem_strdup(path));
        return NULL;
    }
    strmap_put(p->library->fixtures, path, u);
    return u;
}
