/* libyaml's events to a flat array of nodes.
 *
 * Three passes: the bytes (UTF-8, control characters, odd line breaks), libyaml's events, and the
 * checks of each node. A mistake of meaning does not stop the pass; a mistake of syntax does, since
 * nothing behind it can be trusted. Aliases are expanded by copying the anchored subtree, which is
 * contiguous; its size, depth and text are known before it is copied, so an alias bomb costs
 * nothing. */
#include "base/yaml_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "base/strmap.h"
#include "base/utf8.h"

/* Text that aliases multiply: what a document may grow to as JSON. */
#define EXPANDED_BYTES_MAX (8u << 20)
#define TAG_PREFIX "tag:yaml.org,2002:"

/* What a finished subtree amounts to. */
struct extent {
    uint32_t nodes;
    uint32_t depth;
    uint64_t bytes;
};

struct open_node {
    uint32_t index;
    uint32_t last_child;
    char *key; /* a map's pending key; NULL while one is expected */
    struct src_pos key_pos;
};

struct builder {
    struct yaml_doc *doc;
    struct extent *extents; /* in step with doc->nodes */
    size_t extent_cap;
    uint64_t bytes; /* text in all nodes, repeated for aliases */
    struct open_node open[YAML_DEPTH_MAX];
    unsigned depth;
    struct strmap *anchors; /* name to index + 1 */
    struct diags *diags;
    const char *text;
    size_t len;
    const char *file;
    size_t *line_starts; /* byte offset of each line */
    size_t line_count, line_cap;
    struct {
        size_t line, column, offset;
    } last; /* marks come in order: without this, one long line would cost the square of its length
             */
};

/* ---- pass one: bytes ---- */

/* YAML 1.1 ends a line at these, 1.2 and every editor do not. */
static bool is_odd_break(const unsigned char *p, size_t len)
{
    return (len == 2 && p[0] == 0xc2 && p[1] == 0x85) ||
           (len == 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] & 0xfe) == 0xa8);
}

static bool is_control(const unsigned char *p, size_t len)
{
    return (len == 1 && (p[0] == 0x7f || (p[0] < 0x20 && !strchr("\t\n\r", p[0])))) || p[0] == 0 ||
           (len == 2 && p[0] == 0xc2 && p[1] < 0xa0) ||
           (len == 3 && p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe);
}

static void add_line(struct builder *b, size_t start)
{
    b->line_starts =
        mem_grow(b->line_starts, &b->line_cap, b->line_count + 1, sizeof *b->line_starts);
    b->line_starts[b->line_count++] = start;
}

/* Byte position of the offset, which lies in the last line begun so far. */
static struct src_pos pos_at(const struct builder *b, size_t offset)
{
    return (struct src_pos){b->file, (uint32_t)b->line_count,
                            (uint32_t)(offset - b->line_starts[b->line_count - 1]) + 1};
}

static bool check_bytes(struct builder *b)
{
    const unsigned char *p = (const unsigned char *)b->text;
    size_t errors = b->diags->errors;

    add_line(b, 0);
    for (size_t i = 0; i < b->len;) {
        size_t len = p[i] < 0x80 ? 1 : utf8_length(b->text + i, b->len - i);

        if (len == 0) {
            diags_add(b->diags, DIAG_ERROR, pos_at(b, i), "invalid UTF-8: byte 0x%02x", p[i]);
            return false;
        }
        if (is_odd_break(p + i, len))
            diags_add_hint(b->diags, DIAG_ERROR, pos_at(b, i),
                           "write it as \\N, \\L or \\P in a double-quoted string",
                           "Unicode line break that YAML 1.1 and 1.2 read differently");
        else if (is_control(p + i, len))
            diags_add(b->diags, DIAG_ERROR, pos_at(b, i), "control character 0x%02x is not allowed",
                      p[i + len - 1]);
        else if (p[i] == '\r' && (i + 1 == b->len || p[i + 1] != '\n'))
            diags_add(b->diags, DIAG_ERROR, pos_at(b, i), "carriage return without a line feed");
        if (b->diags->errors - errors > DIAGS_MAX)
            return false; /* no text at all */
        i += len;
        if (p[i - 1] == '\n')
            add_line(b, i);
    }
    return b->diags->errors == errors;
}

/* ---- positions ---- */

/* libyaml counts characters; editors and the printer count bytes. */
static size_t offset_of(struct builder *b, const yaml_mark_t *mark)
{
    const unsigned char *p = (const unsigned char *)b->text;
    size_t i, left = mark->column;

    if (mark->line >= b->line_count)
        return b->len;
    i = b->line_starts[mark->line];
    if (mark->line == b->last.line && mark->column >= b->last.column) {
        i += b->last.offset;
        left -= b->last.column;
    }
    while (left-- && i < b->len) {
        i++;
        while (i < b->len && (p[i] & 0xc0) == 0x80)
            i++;
    }
    b->last.line = mark->line;
    b->last.column = mark->column;
    b->last.offset = i - b->line_starts[mark->line];
    return i;
}

static struct src_pos pos_of(struct builder *b, const yaml_mark_t *mark)
{
    size_t line = mark->line < b->line_count ? mark->line : b->line_count - 1;

    return (struct src_pos){b->file, (uint32_t)line + 1,
                            (uint32_t)(offset_of(b, mark) - b->line_starts[line]) + 1};
}

static void check_tab(struct builder *b, const yaml_mark_t *mark)
{
    size_t offset = offset_of(b, mark);

    if (offset > 0 && offset < b->len && b->text[offset - 1] == '\t')
        diags_add_hint(b->diags, DIAG_ERROR, pos_of(b, mark), "use spaces",
                       "a tab separates this from what stands before it");
}

/* ---- nodes ---- */

static char *keep_string(struct builder *b, const void *bytes, size_t len)
{
    struct yaml_doc *doc = b->doc;
    char *copy = mem_alloc(len + 1);

    memcpy(copy, bytes, len);
    copy[len] = '\0';
    doc->strings =
        mem_grow(doc->strings, &doc->string_cap, doc->string_count + 1, sizeof *doc->strings);
    doc->strings[doc->string_count++] = copy;
    return copy;
}

static int stop(struct builder *b, struct src_pos pos, const char *what, unsigned limit)
{
    struct err e = {0};
    AUTO(str) char *message = mem_printf("%s of %u", what, limit);

    err_set(&e, ERR_LIMIT, pos, "%s", message);
    diags_take(b->diags, &e);
    return -1;
}

/* Makes room for `count` nodes that hold `bytes` of text. */
static int reserve(struct builder *b, size_t count, uint64_t bytes, struct src_pos pos)
{
    if (b->doc->count + count > YAML_NODES_MAX)
        return stop(b, pos, "the document has more values, aliases expanded, than the limit",
                    YAML_NODES_MAX);
    b->bytes += bytes;
    if (b->bytes > EXPANDED_BYTES_MAX)
        return stop(b, pos, "the document has more bytes of text, aliases expanded, than the limit",
                    EXPANDED_BYTES_MAX);
    b->doc->nodes =
        mem_grow(b->doc->nodes, &b->doc->cap, b->doc->count + count, sizeof *b->doc->nodes);
    b->extents = mem_grow(b->extents, &b->extent_cap, b->doc->count + count, sizeof *b->extents);
    return 0;
}

/* Hangs the node under the open one and gives it its key. */
static void attach(struct builder *b, uint32_t index)
{
    struct open_node *parent;
    struct yaml_node *nodes = b->doc->nodes;

    if (b->depth == 0)
        return;
    parent = &b->open[b->depth - 1];
    if (parent->last_child == YAML_NONE)
        nodes[parent->index].first = index;
    else
        nodes[parent->last_child].next = index;
    parent->last_child = index;
    nodes[parent->index].count++;
    nodes[index].key = parent->key;
    nodes[index].key_pos = parent->key_pos;
    parent->key = NULL;
}

static bool key_expected(const struct builder *b)
{
    return b->depth > 0 && b->doc->nodes[b->open[b->depth - 1].index].type == YAML_MAP &&
           !b->open[b->depth - 1].key;
}

/* Refuses a key that is no string; goes on with a name of its own, so that the value is still
 * looked at. */
static void take_broken_key(struct builder *b, struct src_pos pos)
{
    struct open_node *parent = &b->open[b->depth - 1];
    char name[32];
    int n = snprintf(name, sizeof name, "<key %u>", b->doc->nodes[parent->index].count);

    parent->key = keep_string(b, name, (size_t)n);
    parent->key_pos = pos;
}

static void add_anchor(struct builder *b, const yaml_char_t *name, uint32_t index)
{
    if (name)
        strmap_put(b->anchors, (const char *)name, (void *)(uintptr_t)(index + 1));
}

static bool is_open(const struct builder *b, uint32_t index)
{
    for (unsigned i = 0; i < b->depth; i++)
        if (b->open[i].index == index)
            return true;
    return false;
}

static int new_node(struct builder *b, enum yaml_type type, struct src_pos pos, size_t bytes,
                    uint32_t *ret_index)
{
    uint32_t index = (uint32_t)b->doc->count;

    if (reserve(b, 1, bytes, pos) < 0)
        return -1;
    b->doc->nodes[index] =
        (struct yaml_node){.type = type, .pos = pos, .first = YAML_NONE, .next = YAML_NONE};
    b->extents[index] = (struct extent){.nodes = 1, .depth = 1, .bytes = bytes};
    b->doc->count++;
    attach(b, index);
    *ret_index = index;
    return 0;
}

/* ---- scalars ---- */

static const char *shown(const char *text, size_t len, char out[48])
{
    if (len <= 40) {
        memcpy(out, text, len);
        out[len] = '\0';
    } else {
        size_t cut = 40;

        while ((text[cut] & 0xc0) == 0x80)
            cut--; /* not in the middle of a character */
        snprintf(out, 48, "%.*s...", (int)cut, text);
    }
    return out;
}

static void complain_ambiguous(struct builder *b, struct src_pos pos, const char *text, size_t len,
                               const char *why)
{
    char buf[48];
    AUTO(str) char *hint = mem_printf("quote it: \"%s\"", shown(text, len, buf));

    diags_add_hint(b->diags, DIAG_ERROR, pos, hint, "'%s' %s", shown(text, len, buf), why);
}

/* Applies !!str, !!int and so on; anything else is refused. */
static void apply_tag(struct builder *b, const char *tag, struct yaml_node *node)
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
            diags_add(b->diags, DIAG_ERROR, node->pos, "tag '!!%s' does not fit a value of type %s",
                      names[i], yaml_type_name(node->type));
            return;
        }
    }
    diags_add_hint(b->diags, DIAG_ERROR, node->pos,
                   "only the core tags (!!str, !!int, ...) are understood", "unknown tag '%.80s'",
                   tag);
}

static bool tag_is_string(const yaml_char_t *tag)
{
    return tag && (strcmp((const char *)tag, "!") == 0 ||
                   strcmp((const char *)tag, TAG_PREFIX "str") == 0);
}

static void take_key(struct builder *b, const yaml_event_t *event, struct src_pos pos)
{
    struct open_node *parent = &b->open[b->depth - 1];
    const char *text = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    struct yaml_node node = {.pos = pos, .type = YAML_STRING};
    const char *why = NULL;
    char buf[48];

    if (memchr(text, 0, len)) {
        diags_add(b->diags, DIAG_ERROR, pos, "a key must not contain a NUL character");
        take_broken_key(b, pos);
        return;
    }
    if (plain && !tag_is_string(event->data.scalar.tag))
        why = yaml_resolve_plain(text, len, &node);
    if (why) {
        complain_ambiguous(b, pos, text, len, why);
    } else if (plain && len == 2 && memcmp(text, "<<", 2) == 0) {
        diags_add_hint(b->diags, DIAG_ERROR, pos, "write the members out",
                       "merge keys ('<<') are not supported");
    } else if (node.type != YAML_STRING) {
        AUTO(str) char *hint = mem_printf("quote it: \"%s\"", shown(text, len, buf));

        diags_add_hint(b->diags, DIAG_ERROR, pos, hint, "key '%s' is no string but of type %s",
                       shown(text, len, buf), yaml_type_name(node.type));
    }
    if (event->data.scalar.tag)
        apply_tag(b, (const char *)event->data.scalar.tag, &node);
    parent->key = keep_string(b, text, len);
    parent->key_pos = pos;
    b->bytes += len;
}

static int on_scalar(struct builder *b, const yaml_event_t *event)
{
    struct src_pos pos = pos_of(b, &event->start_mark);
    const char *text = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    struct yaml_node *node;
    const char *why = NULL;
    uint32_t index;

    if (len || !plain)
        check_tab(b, &event->start_mark);
    if (key_expected(b)) {
        take_key(b, event, pos);
        if (event->data.scalar.anchor)
            diags_add(b->diags, DIAG_ERROR, pos, "a key cannot have an anchor");
        return 0;
    }
    if (new_node(b, YAML_STRING, pos, len, &index) < 0)
        return -1;
    node = &b->doc->nodes[index];
    node->quoted = !plain;
    node->block = event->data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
                  event->data.scalar.style == YAML_FOLDED_SCALAR_STYLE;
    node->text = keep_string(b, text, len);
    if (memchr(text, 0, len))
        diags_add(b->diags, DIAG_ERROR, pos, "a string must not contain a NUL character");
    if (plain && !tag_is_string(event->data.scalar.tag))
        why = yaml_resolve_plain(text, len, node);
    if (why)
        complain_ambiguous(b, pos, text, len, why);
    else if (event->data.scalar.tag)
        apply_tag(b, (const char *)event->data.scalar.tag, node);
    add_anchor(b, event->data.scalar.anchor, index);
    return 0;
}

/* ---- collections ---- */

static int on_start(struct builder *b, enum yaml_type type, const yaml_event_t *event,
                    const yaml_char_t *anchor, const yaml_char_t *tag)
{
    struct src_pos pos = pos_of(b, &event->start_mark);
    bool flow = type == YAML_SEQ ? event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE
                                 : event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
    uint32_t index;

    if (flow) /* a block collection starts with its first key or dash; the key looks for the tab
                 itself */
        check_tab(b, &event->start_mark);
    if (b->depth == YAML_DEPTH_MAX)
        return stop(b, pos, "the document is nested deeper than the limit", YAML_DEPTH_MAX);
    if (key_expected(b)) {
        diags_add(b->diags, DIAG_ERROR, pos, "a key must be a string, not a %s",
                  yaml_type_name(type));
        return -1;
    }
    if (new_node(b, type, pos, 0, &index) < 0)
        return -1;
    if (tag)
        apply_tag(b, (const char *)tag, &b->doc->nodes[index]);
    add_anchor(b, anchor, index);
    b->open[b->depth++] = (struct open_node){.index = index, .last_child = YAML_NONE};
    return 0;
}

struct key_ref {
    const char *key;
    uint32_t index;
};

static int compare_key_refs(const void *a, const void *b)
{
    const struct key_ref *x = a, *y = b;
    int c = strcmp(x->key, y->key);

    return c ? c : (x->index > y->index) - (x->index < y->index);
}

/* Sorted, so that a hostile map of many keys costs n log n. */
static void check_duplicates(struct builder *b, const struct yaml_node *map)
{
    struct key_ref *refs = mem_reallocarray(NULL, map->count, sizeof *refs);
    size_t count = 0;

    for (uint32_t i = map->first; i != YAML_NONE; i = b->doc->nodes[i].next)
        refs[count++] = (struct key_ref){b->doc->nodes[i].key, i};
    qsort(refs, count, sizeof *refs, compare_key_refs);
    for (size_t i = 1, first = 0; i < count; i++) {
        char buf[48];

        if (strcmp(refs[i].key, refs[first].key) != 0) {
            first = i;
            continue;
        }
        {
            const struct src_pos *before = &b->doc->nodes[refs[first].index].key_pos;
            AUTO(str)
            char *hint =
                mem_printf("the first one is at line %u, column %u", before->line, before->col);

            diags_add_hint(b->diags, DIAG_ERROR, b->doc->nodes[refs[i].index].key_pos, hint,
                           "duplicate key '%s'", shown(refs[i].key, strlen(refs[i].key), buf));
        }
    }
    free(refs);
}

static void on_end(struct builder *b)
{
    struct open_node *done = &b->open[--b->depth];
    const struct yaml_node *node = &b->doc->nodes[done->index];
    struct extent *extent = &b->extents[done->index];

    for (uint32_t i = node->first; i != YAML_NONE; i = b->doc->nodes[i].next) {
        extent->nodes += b->extents[i].nodes;
        extent->bytes += b->extents[i].bytes;
        if (node->type == YAML_MAP)
            extent->bytes += strlen(b->doc->nodes[i].key);
        if (b->extents[i].depth >= extent->depth)
            extent->depth = b->extents[i].depth + 1;
    }
    if (node->type == YAML_MAP && node->count > 1)
        check_duplicates(b, node);
}

/* ---- aliases ---- */

static void copy_subtree(struct builder *b, uint32_t from, uint32_t to)
{
    const struct extent *extent = &b->extents[from];
    uint32_t shift = to - from, n = extent->nodes;

    memcpy(&b->doc->nodes[to], &b->doc->nodes[from], n * sizeof *b->doc->nodes);
    memcpy(&b->extents[to], &b->extents[from], n * sizeof *b->extents);
    for (uint32_t i = 0; i < n; i++) {
        struct yaml_node *node = &b->doc->nodes[to + i];

        if (node->first != YAML_NONE)
            node->first += shift;
        if (node->next != YAML_NONE)
            node->next += shift;
    }
    b->doc->nodes[to].next = YAML_NONE;
    b->doc->nodes[to].key = NULL;
    b->doc->count += n;
}

static int on_alias(struct builder *b, const yaml_event_t *event)
{
    struct src_pos pos = pos_of(b, &event->start_mark);
    const char *name = (const char *)event->data.alias.anchor;
    uintptr_t anchor = (uintptr_t)strmap_get(b->anchors, name);
    uint32_t from = (uint32_t)anchor - 1, to = (uint32_t)b->doc->count, index;

    if (key_expected(b)) {
        diags_add(b->diags, DIAG_ERROR, pos, "an alias cannot be a key");
        take_broken_key(b, pos);
        return 0;
    }
    if (!anchor || is_open(b, from)) {
        diags_add(b->diags, DIAG_ERROR, pos,
                  anchor ? "alias '*%.80s' refers to a value that it is part of"
                         : "alias '*%.80s' has no anchor before it",
                  name);
        return new_node(b, YAML_NULL, pos, 0, &index);
    }
    if (b->depth + b->extents[from].depth > YAML_DEPTH_MAX + 1)
        return stop(b, pos, "the document is nested deeper, aliases expanded, than the limit",
                    YAML_DEPTH_MAX);
    if (reserve(b, b->extents[from].nodes, b->extents[from].bytes, pos) < 0)
        return -1;
    copy_subtree(b, from, to);
    b->doc->nodes[to].pos = pos;
    attach(b, to);
    return 0;
}

/* ---- pass two: events ---- */

static void complain_syntax(struct builder *b, const yaml_parser_t *parser)
{
    struct src_pos pos = pos_of(b, &parser->problem_mark);
    size_t offset = offset_of(b, &parser->problem_mark);
    const char *problem = parser->problem ? parser->problem : "malformed YAML";
    struct err e = {0};

    if (offset < b->len && b->text[offset] == '\t') {
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
    diags_take(b->diags, &e);
}

static int on_event(struct builder *b, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (b->doc->count == 0)
            return 0;
        diags_add_hint(b->diags, DIAG_ERROR, pos_of(b, &event->start_mark),
                       "put it into a file of its own", "a second document in one file");
        return -1;
    case YAML_SCALAR_EVENT:
        return on_scalar(b, event);
    case YAML_ALIAS_EVENT:
        return on_alias(b, event);
    case YAML_SEQUENCE_START_EVENT:
        return on_start(b, YAML_SEQ, event, event->data.sequence_start.anchor,
                        event->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return on_start(b, YAML_MAP, event, event->data.mapping_start.anchor,
                        event->data.mapping_start.tag);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        on_end(b);
        return 0;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return 0;
    }
    return 0;
}

static void read_events(struct builder *b)
{
    yaml_parser_t parser;
    bool done = false;

    if (!yaml_parser_initialize(&parser))
        abort(); /* out of memory */
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)b->text, b->len);
    while (!done) {
        yaml_event_t event;

        if (!yaml_parser_parse(&parser, &event)) {
            complain_syntax(b, &parser);
            break;
        }
        done = event.type == YAML_STREAM_END_EVENT || on_event(b, &event) < 0;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
}

static void builder_finish(struct builder *b)
{
    strmap_destroy(b->anchors, NULL);
    free(b->extents);
    free(b->line_starts);
}

struct yaml_doc *yaml_parse(const char *text, size_t len, const char *name, struct diags *diags)
{
    struct builder *b;
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
    b = mem_zalloc(sizeof *b); /* too large for a fiber's stack to hold twice */
    *b = (struct builder){.doc = doc, .diags = diags, .text = text, .len = len, .file = whole.file};
    b->anchors = strmap_create();
    if (check_bytes(b)) {
        read_events(b);
        if (doc->count == 0 && diags->errors == errors)
            diags_add(diags, DIAG_ERROR, whole, "the file holds no document");
    }
    builder_finish(b);
    free(b);
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
