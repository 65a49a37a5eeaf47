/* Components of a served scenario that somebody else plays, or nobody.
 *
 * What follows in the given may wait for what such a component does: so it stands still where the
 * first one is started, everything is served, and it goes on with the clock of the wall. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "components/component.h"
#include "runner/component_names.h"
#include "runner/serve.h"

/* ---- the option ---- */

static const char *const words[] = {
    [PLAYER_BUILTIN] = "builtin", [PLAYER_NONE] = "none", [PLAYER_OUTSIDE] = "external"};

static int find_word(const char *text)
{
    int i = 0;

    while (i < (int)ARRAY_LEN(words) && strcmp(words[i], text) != 0)
        i++;
    return i < (int)ARRAY_LEN(words) ? i : -1;
}

static int bad_word(const char *word, struct err *reterr)
{
    err_set(reterr, ERR_INVALID, NO_POS,
            "--implementation knows builtin, external and none, found '%s'", word);
    if (strncmp(word, "exec:", 5) == 0)
        return err_hint(reterr, "start the program yourself, with the kubeconfig");
    return err_suggest(reterr, word, words, ARRAY_LEN(words), NULL);
}

bool serve_is_file_name(const char *name)
{
    static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

    return *name && strspn(name, good) == strlen(name);
}

static int read_one(struct serve *s, const char *text, struct err *reterr)
{
    const char *value = strchr(text, '=');
    const struct component *known;
    struct serve_player *p;
    int who;

    if (!value || value == text)
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "--implementation wants NAME=external, NAME=none or NAME=builtin, found "
                       "'%s'",
                       text);
    who = find_word(value + 1);
    if (who < 0)
        return bad_word(value + 1, reterr);
    p = &s->players[s->player_count++];
    p->name = mem_strndup(text, (size_t)(value - text));
    p->who = (enum case_player)who;
    known = component_find(p->name);
    p->user = known ? mem_strdup(known->user)
                    : mem_printf("system:serviceaccount:%s:%s", p->name, p->name);
    for (size_t i = 0; i + 1 < s->player_count; i++)
        if (strcmp(s->players[i].name, p->name) == 0)
            return err_set(reterr, ERR_INVALID, NO_POS,
                           "--implementation says twice who plays '%s'", p->name);
    if (who == PLAYER_OUTSIDE && !serve_is_file_name(p->name))
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "--implementation: a component that is outside has a name of letters, "
                       "digits, '-', '_' and '.', found '%s'",
                       p->name);
    return 0;
}

int serve_read_players(struct serve *s, struct err *reterr)
{
    const struct option_list *l = &s->options->implementations;

    s->players = mem_zalloc((l->count + 1) * sizeof *s->players);
    for (size_t i = 0; i < l->count; i++)
        if (read_one(s, l->items[i], reterr) < 0)
            return -1;
    return 0;
}

int serve_check_players(const struct serve *s, struct err *reterr)
{
    for (size_t i = 0; i < s->player_count; i++) {
        if (s->scenarios.case_count == 0) {
            err_set(reterr, ERR_INVALID, NO_POS,
                    "--implementation '%s': only a scenario has components, and none is served",
                    s->players[i].name);
            return err_hint(reterr, "--world FILE names one");
        }
        if (component_names_check(&s->scenarios, s->players[i].name, reterr) < 0)
            return -1;
    }
    return 0;
}

void serve_forget_players(struct serve *s)
{
    for (size_t i = 0; i < s->player_count; i++) {
        free(s->players[i].name);
        free(s->players[i].user);
    }
    free(s->players);
}

/* ---- while the world goes ---- */

enum case_player serve_player(void *cookie, const char *component)
{
    const struct serve *s = cookie;

    for (size_t i = 0; i < s->player_count; i++)
        if (strcmp(s->players[i].name, component) == 0)
            return s->players[i].who;
    return PLAYER_BUILTIN;
}

static void tell_late_clusters(struct serve *s)
{
    for (size_t i = s->cluster_count; i < world_cluster_count(s->world); i++) {
        fprintf(stderr,
                "vmconform: error: the cluster '%s' is not served: the given adds it after the "
                "first component that is outside\n",
                cluster_name(world_cluster_at(s->world, i)));
        s->unstaged = true;
    }
}

static void on_staged(void *cookie, const struct result_case *r)
{
    struct serve *s = cookie;

    tell_late_clusters(s);
    if (r->status == RESULT_PASSED) {
        puts("the given of the scenario is done");
        fflush(stdout);
        return;
    }
    s->unstaged = true;
    fprintf(stderr, "vmconform: error: the given of the scenario failed: %s\n%s", r->headline,
            r->details ? r->details : "");
}

void serve_go_on(struct serve *s)
{
    if (s->staged && staged_case_is_paused(s->staged))
        staged_case_go_on(s->staged, on_staged, s);
}
