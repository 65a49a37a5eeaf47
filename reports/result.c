#include "reports/result.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "reports/xml.h"

static const char *const status_names[RESULT_STATUS_COUNT] = {"passed", "failed", "error",
                                                              "vacuous", "skipped"};

const char *result_status_name(enum result_status s)
{
    return status_names[s];
}

struct result_case *result_case_create(void)
{
    return mem_zalloc(sizeof(struct result_case));
}

static void free_texts(char **texts)
{
    for (size_t i = 0; texts && texts[i]; i++)
        free(texts[i]);
    free(texts);
}

void result_case_destroy(struct result_case *r)
{
    if (!r)
        return;
    free(r->name);
    free(r->suite);
    free(r->file);
    free_texts(r->requirements);
    free(r->engine);
    free(r->replay);
    free(r->error_type);
    free(r->headline);
    free(r->details);
    free_texts(r->checked);
    free(r);
}

/* ---- JSON ---- */

/* User text may hold bytes that are no UTF-8 (a path, a text that was cut); JSON cannot: they
 * become \xNN. New. */
static json_t *text_json(const char *text)
{
    json_t *v = json_string(text);
    AUTO(strbuf) struct strbuf safe = {0};

    if (v)
        return v;
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        uint32_t c;
        size_t len = utf8_char(p, &c);

        if (len)
            strbuf_add(&safe, p, len);
        else
            strbuf_addf(&safe, "\\x%02x", *p);
        p += len ? len : 1;
    }
    return json_string(strbuf_str(&safe));
}

static json_t *texts_json(char *const *texts)
{
    json_t *list = json_array();

    for (size_t i = 0; texts && texts[i]; i++)
        json_array_append_new(list, text_json(texts[i]));
    return list;
}

static char **texts_from(const json_t *list)
{
    char **texts = mem_zalloc((json_array_size(list) + 1) * sizeof *texts);
    size_t i;
    json_t *v;

    json_array_foreach((json_t *)list, i, v) texts[i] =
        mem_strdup(json_is_string(v) ? json_string_value(v) : "");
    return texts;
}

static void put_text(json_t *o, const char *key, const char *text)
{
    if (text)
        json_object_set_new(o, key, text_json(text));
}

json_t *result_case_to_json(const struct result_case *r)
{
    json_t *o = json_object();
    AUTO(str) char *seed = mem_printf("%llu", (unsigned long long)r->seed);

    put_text(o, "name", r->name);
    put_text(o, "suite", r->suite);
    put_text(o, "file", r->file);
    json_object_set_new(o, "line", json_integer(r->line));
    json_object_set_new(o, "requirements", texts_json(r->requirements));
    put_text(o, "seed", seed);
    put_text(o, "engine", r->engine);
    put_text(o, "replay", r->replay);
    put_text(o, "status", status_names[r->status]);
    put_text(o, "errorType", r->error_type);
    put_text(o, "headline", r->headline);
    put_text(o, "details", r->details);
    json_object_set_new(o, "checked", texts_json(r->checked));
    json_object_set_new(o, "virtualNs", json_integer(r->virtual_ns));
    json_object_set_new(o, "wallNs", json_integer(r->wall_ns));
    json_object_set_new(o, "observed", json_boolean(r->observed));
    json_object_set_new(o, "expected", json_boolean(r->expected));
    return o;
}

static char *take_text(const json_t *v, const char *key)
{
    const char *text = json_str(v, key);

    return text ? mem_strdup(text) : NULL;
}

static int status_of(const char *name)
{
    for (int i = 0; i < RESULT_STATUS_COUNT; i++)
        if (strcmp(status_names[i], name) == 0)
            return i;
    return -1;
}

struct result_case *result_case_from_json(const json_t *v, struct err *reterr)
{
    AUTO(result_case) struct result_case *r = result_case_create();
    int status = status_of(json_str_or_empty(v, "status"));

    if (!json_is_object(v) || status < 0 || !json_str(v, "name")) {
        err_set(reterr, ERR_INVALID, NO_POS, "this is no result of a case");
        return NULL;
    }
    r->name = take_text(v, "name");
    r->suite = mem_strdup(json_str_or_empty(v, "suite"));
    r->file = mem_strdup(json_str_or_empty(v, "file"));
    r->line = (uint32_t)json_int(v, "line", 0);
    r->requirements = texts_from(json_object_get(v, "requirements"));
    r->seed = strtoull(json_str_or_empty(v, "seed"), NULL, 10);
    r->engine = take_text(v, "engine");
    r->replay = take_text(v, "replay");
    r->status = (enum result_status)status;
    r->error_type = take_text(v, "errorType");
    r->headline = take_text(v, "headline");
    r->details = take_text(v, "details");
    r->checked = texts_from(json_object_get(v, "checked"));
    r->virtual_ns = json_int(v, "virtualNs", 0);
    r->wall_ns = json_int(v, "wallNs", 0);
    r->observed = json_bool(v, "observed", false);
    r->expected = json_bool(v, "expected", false);
    return TAKE(r);
}

/* ---- the whole run ---- */

struct result_totals result_count(const struct result_run *run)
{
    struct result_totals t = {0};

    for (size_t i = 0; i < run->count; i++) {
        t.by_status[run->cases[i]->status]++;
        t.observed += run->cases[i]->observed;
        t.expected += run->cases[i]->expected;
    }
    return t;
}

int result_exit_code(const struct result_run *run)
{
    struct result_totals t = result_count(run);

    if (t.by_status[RESULT_FAILED] > t.expected)
        return 1;
    if (t.by_status[RESULT_ERROR] || run->interrupted || run->count == 0 ||
        (run->fail_on_skip && t.by_status[RESULT_SKIPPED]))
        return 2;
    return t.by_status[RESULT_VACUOUS] ? 3 : 0;
}
