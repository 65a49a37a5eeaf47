/* See laws.h. The first law that is broken ends the case. */
#include "runner/laws.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/plural.h"
#include "runner/casework.h"

void active_laws_add(struct active_laws *l, const struct inclusion *in)
{
    const struct unit *u = in->unit;

    for (size_t i = 0; i < u->laws.count; i++) {
        l->items = mem_grow(l->items, &l->cap, l->count + 1, sizeof *l->items);
        l->items[l->count++] = (struct active_law){.law = &u->laws.items[i], .in = in};
    }
    for (size_t i = 0; i < u->sometimes.count; i++) {
        l->sometimes =
            mem_grow(l->sometimes, &l->sometimes_cap, l->sometimes_count + 1, sizeof *l->sometimes);
        l->sometimes[l->sometimes_count++] =
            (struct sometimes_state){.condition = u->sometimes.items[i], .in = in};
    }
}

void active_laws_finish(struct active_laws *l)
{
    free(l->items);
    free(l->sometimes);
}

/* ---- at each change ---- */

static void tell_happening(const struct happening *h, struct strbuf *out)
{
    strbuf_addf(out, "  broken by %s: %s %s %s%s%s", *h->by ? h->by : "the server", h->type,
                h->kind, h->ns ? h->ns : "", h->ns && *h->ns ? "/" : "", h->name);
    if (h->cluster)
        strbuf_addf(out, " (cluster %s)", h->cluster);
    strbuf_addch(out, '\n');
}

static void law_broken(struct casework *cw, const struct law *law, const struct happening *h,
                       const char *why)
{
    AUTO(strbuf) struct strbuf detail = {0};

    tell_happening(h, &detail);
    if (law->that)
        strbuf_addf(&detail, "  %s%s\n", cel_program_text(law->that),
                    why          ? ""
                    : law->never ? " is true"
                                 : " is false");
    cw->about = (struct subject){h->cluster, h->kind, h->ns, h->name, h->by};
    if (why && *why)
        strbuf_addf(&detail, "%s", why);
    strbuf_addstr(&detail, strbuf_str(&cw->notes));
    verdict(cw, RESULT_FAILED, NULL, law->pos, strbuf_str(&detail), "%s: %s",
            law->never ? "this happened, though it never must" : "this law was broken", law->name);
    cw->about = (struct subject){0};
}

static void judge_law(struct casework *cw, struct active_law *a, const struct happening *h)
{
    struct eval e = case_eval(cw, a->in->frame);
    AUTO(err) struct err err = {0};
    AUTO(str) char *why = NULL;
    bool value = true;

    assert(a->law->on || a->law->that);
    if (h->is_call != (a->law->on && a->law->on->is_call))
        return;
    if (a->law->on && !happening_fits(cw, a->law->on, a->in->frame, h))
        return;
    if (a->law->on && a->law->on->that) {
        if (eval_bool(&e, a->law->on->that, &value, &err) < 0) {
            a->upon_errors++; /* said beside the law's name in the report */
            return;
        }
        if (!value)
            return;
    }
    a->evaluated++;
    strbuf_reset(&cw->notes);
    if (a->law->that && eval_bool(&e, a->law->that, &value, &err) < 0) {
        /* What cannot be evaluated is no proof that a promise holds, and none that a forbidden
         * thing happened. */
        if (a->law->never)
            return;
        why = mem_printf("  %s\n", err.msg);
        value = false;
    }
    if (value == a->law->never)
        law_broken(cw, a->law, h, why);
}

void look_at_sometimes(struct casework *cw)
{
    for (size_t i = 0; i < cw->laws.sometimes_count; i++) {
        struct sometimes_state *s = &cw->laws.sometimes[i];

        if (!s->seen)
            s->seen = condition_true(cw, s->condition, s->in->frame, NULL);
    }
}

void laws_judge(struct casework *cw, const struct happening *h)
{
    for (size_t i = 0; i < cw->laws.count && !cw->over; i++)
        judge_law(cw, &cw->laws.items[i], h);
    look_at_sometimes(cw);
}

/* ---- at the end ---- */

/* A law on a kind that nobody knows is a promise that nothing can break. */
static int judge_law_kind(struct casework *cw, const struct active_law *l)
{
    struct eval e = case_eval(cw, l->in->frame);
    AUTO(str)
    char *kind = l->law->on && l->law->on->kind ? tmpl_text(l->law->on->kind, &e, NULL) : NULL;

    if (!kind || l->law->on->is_call || strpbrk(kind, "*?[\\") || kind_is_spelled(cw, kind))
        return 0;
    return verdict(cw, RESULT_ERROR, "scenario", l->law->pos, NULL,
                   "the law '%s' is about the kind '%s', which no cluster knows", l->law->name,
                   kind);
}

/* A kind that an expression named and nobody knew made it "not true" each time. */
int laws_judge_kinds(struct casework *cw)
{
    for (size_t i = 0; i < cw->laws.count; i++)
        if (judge_law_kind(cw, &cw->laws.items[i]) < 0)
            return -1;
    if (!cw->unknown_kind || kind_is_known(cw, cw->unknown_kind))
        return 0;
    return verdict(cw, RESULT_ERROR, "scenario", (struct src_pos){cw->unit->path, 1, 1}, NULL,
                   "an expression names the kind '%s', which no cluster knows", cw->unknown_kind);
}

int laws_judge_sometimes(struct casework *cw)
{
    const bool *before = cw->options->sometimes;

    if (cw->turns.count && !before)
        return 0; /* it holds over all interleavings */
    for (size_t i = 0; i < cw->laws.sometimes_count; i++) {
        const struct sometimes_state *s = &cw->laws.sometimes[i];
        bool seen = s->seen || (before && before[i]);
        AUTO(str) char *name = seen ? NULL : condition_name(cw, s->condition, s->in->frame);

        if (!seen)
            return verdict(cw, RESULT_VACUOUS, NULL, s->condition->pos, NULL,
                           "never happened in %s: %s", before ? "any interleaving" : "this run",
                           name);
    }
    return 0;
}

void laws_tell(struct casework *cw)
{
    for (size_t i = 0; i < cw->laws.count; i++) {
        const struct active_law *l = &cw->laws.items[i];

        if (l->upon_errors)
            checked(cw, "%s: %s (%llu %s; 'upon.that' could not be evaluated at %llu)",
                    l->law->never ? "never" : "always", l->law->name,
                    (unsigned long long)l->evaluated, plural(l->evaluated, "event", "events"),
                    (unsigned long long)l->upon_errors);
        else
            checked(cw, "%s: %s (%llu %s)", l->law->never ? "never" : "always", l->law->name,
                    (unsigned long long)l->evaluated, plural(l->evaluated, "event", "events"));
    }
}
