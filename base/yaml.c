/* libyaml's events to a flat array of nodes.
 *
 * Three passes: the bytes (yaml_source.c), libyaml's events, and the checks of each node. A mistake
 * of meaning does not stop the pass; a mistake of syntax does, since nothing behind it can be
 * trusted. */
#include "base/yaml_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "base/yaml_build_priv.h"
#include "base/yaml_runs_priv.h"
#include "base/yaml_source_priv.h"

#define TAG_PREFIX "tag:yaml.org,2002:"

struct reader {
    struct yaml_source source;
    struct yaml_builder built;
    struct diags *diags;
};

static size_t offset_of(struct reader *r, const yaml_mark_t *mark)
{
    return yaml_source_offset(&r->source, mark->line, mark->column);
}

static struct src_pos pos_of(struct reader *r, const yaml_mark_t *mark)
{
    return yaml_source_pos(&r->source, mark->line, mark->column);
}

static void check_tab(struct reader *r, const yaml_mark_t *mark)
{
    size_t offset = offset_of(r, mark);

    if (offset > 0 && offset < r->source.len && r->source.text[offset - 1] == '\t')
        diags_add_hint(r->diags, DIAG_ERROR, pos_of(r, mark), "use spaces",
                       "a tab separates this from what stands before it");
}

/* ---- scalars ---- */

static void complain_ambiguous(struct reader *r, struct src_pos pos, const char *text, size_t len,
                               const char *why)
{
    char buf[48];
    AUTO(str) char *hint = mem_printf("quote it: \"%s\"", yaml_shown(text, len, buf));

    diags_add_hint(r->diags, DIAG_ERROR, pos, hint, "'%s' %s", yaml_shown(text, len, buf), why);
}

/* Applies !!str, !!int and so on; anything else is refused. */
static void apply_tag(struct reader *r, const char *tag, struct yaml_node *node)
{
    static const char *const names[] = {
        [YAML_NULL] = "null",  [YAML_BOOL] = "bool", [YAML_INT] = "int", [YAML_REAL] = "float",
        [YAML_STRING] = "str", [YAML_SEQ] = "seq",   [YAML_MAP] = "map"};
    size_t prefix = strlen(TAG_PREFIX);

    if (strcmp(tag, "!") == 0)
        return;
    if (strncmp(tag, TAG_PREFIX, prefix) == 0 && strcmp(tag + prefix, names[node->type]) == 0)
        return;
    if (node->type == YAML_INT && strcmp(tag, TAG_PREFIX "float") == 0) {
        node->type = YAML_REAL;
        node->value.real = (double)node->value.integer;
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strncmp(tag, TAG_PREFIX, prefix) == 0 && strcmp(tag + prefix, names[i]) == 0) {
            diags_add(r->diags, DIAG_ERROR, node->pos, "tag '!!%s' does not fit a value of type %s",
                      names[i], yaml_type_name(node->type));
            return;
        }
    }
    diags_add_hint(r->diags, DIAG_ERROR, node->pos,
                   "only the core tags (!!str, !!int, ...) are understood", "unknown tag '%.80s'",
                   tag);
}

static bool tag_is_string(const yaml_char_t *tag)
{
    return tag && (strcmp((const char *)tag, "!") == 0 ||
                   strcmp((const char *)tag, TAG_PREFIX "str") == 0);
}

static void take_key(struct reader *r, const yaml_event_t *event, struct src_pos pos)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    struct yaml_node node = {.pos = pos, .type = YAML_STRING};
    const char *why = NULL;
    char buf[48];

    if (memchr(text, 0, len)) {
        diags_add(r->diags, DIAG_ERROR, pos, "a key must not contain a NUL character");
        yaml_take_broken_key(&r->built, pos);
        return;
    }
    if (plain && !tag_is_string(event->data.scalar.tag))
        why = yaml_resolve_plain(text, len, &node);
    if (why) {
        complain_ambiguous(r, pos, text, len, why);
    } else if (plain && len == 2 && memcmp(text, "<<", 2) == 0) {
        diags_add_hint(r->diags, DIAG_ERROR, pos, "write the members out",
                       "merge keys ('<<') are not supported");
    } else if (node.type != YAML_STRING) {
        AUTO(str) char *hint = mem_printf("quote it: \"%s\"", yaml_shown(text, len, buf));

        diags_add_hint(r->diags, DIAG_ERROR, pos, hint, "key '%s' is no string but of type %s",
                       yaml_shown(text, len, buf), yaml_type_name(node.type));
    }
    if (event->data.scalar.tag)
        apply_tag(r, (const char *)event->data.scalar.tag, &node);
    yaml_take_key(&r->built, text, len, pos);
}

/* Most are one piece: nothing need be kept for them. */
static void keep_runs(struct reader *r, const yaml_event_t *event, struct yaml_node *node,
                      size_t len)
{
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    struct yaml_span span = {.start = offset_of(r, &event->start_mark),
                             .line = event->start_mark.line,
                             .plain = plain,
                             .block = node->block,
                             .properties = event->data.scalar.anchor || event->data.scalar.tag};
    struct src_run *runs;
    size_t count;

    span.end = offset_of(r, &event->end_mark);
    if (!span.properties && !span.block && span.end - span.start == len + (plain ? 0 : 2))
        return;
    runs = yaml_runs(&r->source, &span, node->text, len, &count);
    if (!runs)
        return;
    node->runs = yaml_keep_bytes(&r->built, runs, count * sizeof *runs);
    node->run_count = count;
    free(runs);
}

static int on_scalar(struct reader *r, const yaml_event_t *event)
{
    struct src_pos pos = pos_of(r, &event->start_mark);
    const char *text = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    struct yaml_node *node;
    const char *why = NULL;
    uint32_t index;

    if (len || !plain)
        check_tab(r, &event->start_mark);
    if (yaml_key_expected(&r->built)) {
        take_key(r, event, pos);
        if (event->data.scalar.anchor)
            diags_add(r->diags, DIAG_ERROR, pos, "a key cannot have an anchor");
        return 0;
    }
    if (yaml_new_node(&r->built, YAML_STRING, pos, len, &index) < 0)
        return -1;
    node = &r->built.doc->nodes[index];
    node->quoted = !plain;
    node->block = event->data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
                  event->data.scalar.style == YAML_FOLDED_SCALAR_STYLE;
    node->text = yaml_keep_string(&r->built, text, len);
    keep_runs(r, event, node, len);
    if (memchr(text, 0, len))
        diags_add(r->diags, DIAG_ERROR, pos, "a string must not contain a NUL character");
    if (plain && !tag_is_string(event->data.scalar.tag))
        why = yaml_resolve_plain(text, len, node);
    if (why)
        complain_ambiguous(r, pos, text, len, why);
    else if (event->data.scalar.tag)
        apply_tag(r, (const char *)event->data.scalar.tag, node);
    yaml_add_anchor(&r->built, (const char *)event->data.scalar.anchor, index);
    return 0;
}

/* ---- collections ---- */

static int on_start(struct reader *r, enum yaml_type type, const yaml_event_t *event,
                    const yaml_char_t *anchor, const yaml_char_t *tag)
{
    struct src_pos pos = pos_of(r, &event->start_mark);
    bool flow = type == YAML_SEQ ? event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE
                                 : event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
    uint32_t index;

    if (flow) /* a block collection starts with its first key or dash; the key looks for the tab
                 itself */
        check_tab(r, &event->start_mark);
    if (r->built.depth == YAML_DEPTH_MAX)
        return yaml_stop(&r->built, pos, "the document is nested deeper than the limit",
                         YAML_DEPTH_MAX);
    if (yaml_key_expected(&r->built)) {
        diags_add(r->diags, DIAG_ERROR, pos, "a key must be a string, not a %s",
                  yaml_type_name(type));
        return -1;
    }
    if (yaml_new_node(&r->built, type, pos, 0, &index) < 0)
        return -1;
    if (tag)
        apply_tag(r, (const char *)tag, &r->built.doc->nodes[index]);
    yaml_add_anchor(&r->built, (const char *)anchor, index);
    yaml_open_node(&r->built, index);
    return 0;
}

/* ---- aliases ---- */

static int on_alias(struct reader *r, const yaml_event_t *event)
{
    struct src_pos pos = pos_of(r, &event->start_mark);

    if (yaml_key_expected(&r->built)) {
        diags_add(r->diags, DIAG_ERROR, pos, "an alias cannot be a key");
        yaml_take_broken_key(&r->built, pos);
        return 0;
    }
    return yaml_copy_anchored(&r->built, (const char *)event->data.alias.anchor, pos);
}

/* ---- pass two: events ---- */

static void complain_syntax(struct reader *r, const yaml_parser_t *parser)
{
    struct src_pos pos = pos_of(r, &parser->problem_mark);
    size_t offset = offset_of(r, &parser->problem_mark);
    const char *problem = parser->problem ? parser->problem : "malformed YAML";
    struct err e = {0};

    if (offset < r->source.len && r->source.text[offset] == '\t') {
        err_set(&e, ERR_SYNTAX, pos, "found a tab character where only spaces may stand");
        err_hint(&e, "indent with spaces");
    } else if (parser->context) {
        err_set(&e, ERR_SYNTAX, pos, "%s (%s at line %zu)", problem, parser->context,
                parser->context_mark.line + 1);
    } else {
        err_set(&e, ERR_SYNTAX, pos, "%s", problem);
    }
    if (strstr(problem, "mapping values are not allowed"))
        err_hint(&e, "quote a text that contains ': '");
    diags_take(r->diags, &e);
}

static int on_event(struct reader *r, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (r->built.doc->count == 0)
            return 0;
        diags_add_hint(r->diags, DIAG_ERROR, pos_of(r, &event->start_mark),
                       "put it into a file of its own", "a second document in one file");
        return -1;
    case YAML_SCALAR_EVENT:
        return on_scalar(r, event);
    case YAML_ALIAS_EVENT:
        return on_alias(r, event);
    case YAML_SEQUENCE_START_EVENT:
        return on_start(r, YAML_SEQ, event, event->data.sequence_start.anchor,
                        event->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return on_start(r, YAML_MAP, event, event->data.mapping_start.anchor,
                        event->data.mapping_start.tag);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        yaml_close_node(&r->built);
        return 0;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return 0;
    }
    return 0;
}

static void read_events(struct reader *r)
{
    yaml_parser_t parser;
    bool done = false;

    if (!yaml_parser_initialize(&parser))
        abort(); /* out of memory */
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)r->source.text, r->source.len);
    while (!done) {
        yaml_event_t event;

        if (!yaml_parser_parse(&parser, &event)) {
            complain_syntax(r, &parser);
            break;
        }
        done = event.type == YAML_STREAM_END_EVENT || on_event(r, &event) < 0;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
}

struct yaml_doc *yaml_parse(const char *text, size_t len, const char *name, struct diags *diags)
{
    struct reader *r;
    AUTO(yaml) struct yaml_doc *doc = NULL;
    struct src_pos whole = {.file = err_intern_file(name)};
    size_t errors = diags->errors;

    if (len > YAML_BYTES_MAX) {
        struct err e = {0};

        err_set(&e, ERR_LIMIT, whole, "the file has %zu bytes; the limit is %u", len,
                YAML_BYTES_MAX);
        diags_take(diags, &e);
        return NULL;
    }
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        len -= 3;
    }
    doc = mem_zalloc(sizeof *doc);
    r = mem_zalloc(sizeof *r); /* too large for a fiber's stack to hold twice */
    r->diags = diags;
    r->source = (struct yaml_source){.text = text, .len = len, .file = whole.file};
    yaml_builder_init(&r->built, doc, diags);
    if (yaml_source_check(&r->source, diags)) {
        read_events(r);
        if (doc->count == 0 && diags->errors == errors)
            diags_add(diags, DIAG_ERROR, whole, "the file holds no document");
    }
    yaml_builder_finish(&r->built);
    yaml_source_finish(&r->source);
    free(r);
    if (diags->errors == errors)
        return TAKE(doc);
    diags_sort(diags);
    return NULL;
}

struct yaml_doc *yaml_parse_file(const char *path, struct diags *diags, char **ret_text,
                                 size_t *ret_len)
{
    AUTO(strbuf) struct strbuf text = {0};
    struct yaml_doc *doc;
    struct err e = {0};

    if (ret_text) {
        *ret_text = NULL;
        *ret_len = 0;
    }
    if (file_read(path, YAML_BYTES_MAX, &text, &e) < 0) {
        diags_take(diags, &e);
        return NULL;
    }
    doc = yaml_parse(strbuf_str(&text), text.len, path, diags);
    if (ret_text) {
        *ret_len = text.len;
        *ret_text = strbuf_take(&text);
    }
    return doc;
}
