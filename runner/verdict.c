/* The verdict of a case, and the lines that explain it. */
#include <stdarg.h>
#include <string.h>

#include "base/mem.h"
#include "runner/casework.h"

#define STORY_STEPS_MAX 12

static char *place(struct src_pos pos)
{
    if (!pos.file)
        return mem_strdup("");
    return mem_printf("%s:%u:%u: ", pos.file, pos.line, pos.col);
}

int verdict(struct casework *cw, enum result_status status, const char *error_type,
            struct src_pos pos, const char *detail, const char *fmt, ...)
{
    AUTO(str) char *where = place(pos);
    AUTO(str) char *what = NULL;
    AUTO(strbuf) struct strbuf details = {0};
    va_list ap;

    if (cw->over)
        return -1;
    cw->over = true;
    va_start(ap, fmt);
    what = mem_vprintf(fmt, ap);
    va_end(ap);
    cw->result->status = status;
    cw->result->error_type = error_type ? mem_strdup(error_type) : NULL;
    cw->result->headline = mem_printf("%s%s", where, what);
    if (pos.line)
        cw->result->line = pos.line;
    if (detail && *detail)
        strbuf_addf(&details, "%s%s", detail, detail[strlen(detail) - 1] == '\n' ? "" : "\n");
    strbuf_addf(&details, "at virtual time +%.3fs; last steps:\n",
                (double)(world_now(cw->world) - WORLD_START_NS) / 1e9);
    history_tell(&cw->history, &details, "", "", STORY_STEPS_MAX);
    cw->result->details = strbuf_take(&details);
    sched_stop(world_sched(cw->world));
    return -1;
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
