/* The verdict of a case, and the lines that explain it. */
#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "base/mem.h"
#include "runner/verb.h"

#define STORY_STEPS_MAX 12
#define UNSEEN_MAX 3
#define DETAIL_MAX (32u << 10)

/* Every verdict has a place: what has none of its own happened at the running step, or before any.
 */
static struct src_pos place(const struct casework *cw, struct src_pos pos)
{
    if (pos.file)
        return pos;
    return cw->step ? cw->step->pos : (struct src_pos){cw->unit->path, 1, 1};
}

static void tell_moment(const struct casework *cw, struct src_pos pos, struct strbuf *out)
{
    const struct step *s = cw->step;

    strbuf_addf(out, "at +%.3fs of virtual time",
                (double)(world_now(cw->world) - WORLD_START_NS) / 1e9);
    if (s && s->name)
        strbuf_addf(out, ", in the step '%s'", s->name);
    if (s && s->pos.line != pos.line && !(s->condition && s->condition->pos.line == pos.line))
        strbuf_addf(out, " (%s, %s:%u)", s->verb->name, s->pos.file, s->pos.line);
    strbuf_addch(out, '\n');
    if (cw->turns.count)
        strbuf_addf(out, "in the interleaving %s\n", turns_text(&cw->turns));
    if (cw->use && cw->use != s)
        strbuf_addf(out, "in the template '%s', used at %s:%u\n", cw->use->use_name,
                    cw->use->pos.file, cw->use->pos.line);
}

static void tell_story(const struct casework *cw, struct strbuf *out)
{
    const struct subject *a = &cw->about;
    struct history_object object = {a->cluster, a->kind, a->ns, a->name};

    if (a->by && *a->by)
        history_tell_unseen(&cw->history, &cw->reads, out, a->by, UNSEEN_MAX);
    history_tell(&cw->history, out, &object, STORY_STEPS_MAX);
}

int verdict(struct casework *cw, enum result_status status, const char *error_type,
            struct src_pos pos, const char *detail, const char *fmt, ...)
{
    struct src_pos at = place(cw, pos);
    AUTO(str) char *what = NULL;
    AUTO(strbuf) struct strbuf details = {0};
    va_list ap;

    assert(status != RESULT_PASSED);
    assert((status == RESULT_ERROR) == (error_type != NULL));
    if (cw->over)
        return -1;
    cw->over = true;
    va_start(ap, fmt);
    what = mem_vprintf(fmt, ap);
    va_end(ap);
    assert(!cw->result->headline);
    cw->result->status = status;
    cw->result->error_type = error_type ? mem_strdup(error_type) : NULL;
    cw->result->headline =
        mem_printf("%s:%u:%u: %.*s", at.file, at.line, at.col, (int)DETAIL_MAX, what);
    cw->result->line = at.line;
    if (detail && *detail)
        strbuf_addf(&details, "%.*s%s", (int)DETAIL_MAX, detail,
                    detail[strlen(detail) - 1] == '\n' && strlen(detail) <= DETAIL_MAX ? "" : "\n");
    tell_moment(cw, at, &details);
    tell_story(cw, &details);
    cw->result->details = strbuf_take(&details);
    sched_stop(world_sched(cw->world));
    return -1;
}

void story_ends(struct casework *cw)
{
    assert(!cw->over); /* a verdict ends the story where it is */
    cw->over = true;
    cw->result->status = RESULT_PASSED;
    sched_stop(world_sched(cw->world));
}

int verdict_error(struct casework *cw, const char *error_type, struct src_pos pos, struct err *e)
{
    struct src_pos at = e->pos.line ? e->pos : pos;

    verdict(cw, RESULT_ERROR, error_type, at, e->hint, "%s", e->msg);
    err_clear(e);
    return -1;
}

void checked(struct casework *cw, const char *fmt, ...)
{
    va_list ap;
    char *text;

    va_start(ap, fmt);
    text = mem_vprintf(fmt, ap);
    va_end(ap);
    if (strmap_get(cw->checked, text)) {
        free(text);
        return;
    }
    strmap_put(cw->checked, text, text);
}
