/* What the client wants to read: the Accept header, with the parameters that ask for a conversion
 * (kube-apiserver.md 1.5). */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "sim/rest/rest_priv.h"

#define CLAUSES_MAX 32
#define CLAUSE_TEXT 256

struct parsed {
    struct accept_clause c;
    size_t order;
    char text[CLAUSE_TEXT]; /* what the strings point into */
};

static char *trim(char *s)
{
    while (*s == ' ' || *s == '\t')
        s++;
    size_t len = strlen(s);
    while (len && (s[len - 1] == ' ' || s[len - 1] == '\t'))
        s[--len] = '\0';
    return s;
}

static void lower(char *s)
{
    for (; *s; s++)
        *s = (char)tolower((unsigned char)*s);
}

static void parse_parameter(struct accept_clause *c, char *text)
{
    char *equals = strchr(text, '=');
    if (!equals)
        return;
    *equals = '\0';
    const char *name = trim(text);
    char *value = trim(equals + 1);
    size_t len = strlen(value);
    if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
        value[len - 1] = '\0';
        value++;
    }
    if (strcmp(name, "q") == 0)
        c->quality = strtod(value, NULL);
    else if (strcmp(name, "as") == 0)
        c->as = value;
    else if (strcmp(name, "g") == 0)
        c->group = value;
    else if (strcmp(name, "v") == 0)
        c->version = value;
    else if (strcmp(name, "pretty") == 0)
        c->pretty = strcmp(value, "1") == 0;
}

/* false: no media range. */
static bool parse_clause(struct parsed *p, const char *text, size_t len)
{
    if (len >= CLAUSE_TEXT)
        return false;
    memcpy(p->text, text, len);
    p->text[len] = '\0';
    p->c = (struct accept_clause){.as = "", .group = "", .version = "", .quality = 1};
    char *rest = strchr(p->text, ';');
    if (rest)
        *rest++ = '\0';
    char *range = trim(p->text);
    char *slash = strchr(range, '/');
    lower(range);
    if (!slash && strcmp(range, "*") == 0) {
        p->c.type = p->c.subtype = "*";
    } else if (!slash) {
        return false;
    } else {
        *slash = '\0';
        p->c.type = trim(range);
        p->c.subtype = trim(slash + 1);
    }
    while (rest) {
        char *next = strchr(rest, ';');
        if (next)
            *next++ = '\0';
        parse_parameter(&p->c, rest);
        rest = next;
    }
    return true;
}

static bool is_wild(const char *s)
{
    return strcmp(s, "*") == 0;
}

/* Better quality first, then what is said more exactly, then the order in the header. */
static int clause_order(const void *x, const void *y)
{
    const struct parsed *a = x, *b = y;
    if (a->c.quality != b->c.quality)
        return a->c.quality > b->c.quality ? -1 : 1;
    int wild_a = is_wild(a->c.type) * 2 + is_wild(a->c.subtype);
    int wild_b = is_wild(b->c.type) * 2 + is_wild(b->c.subtype);
    if (wild_a != wild_b)
        return wild_a - wild_b;
    return a->order < b->order ? -1 : 1;
}

bool accept_each(const char *header, bool (*fn)(void *cookie, const struct accept_clause *clause),
                 void *cookie)
{
    struct parsed clauses[CLAUSES_MAX];
    size_t count = 0;
    while (*header && count < CLAUSES_MAX) {
        size_t len = strcspn(header, ",");
        if (parse_clause(&clauses[count], header, len)) {
            clauses[count].order = count;
            count++;
        }
        header += len;
        if (*header == ',')
            header++;
    }
    /* The strings point into the elements, so the order is one of pointers' targets. */
    const struct parsed *sorted[CLAUSES_MAX];
    for (size_t i = 0; i < count; i++) {
        size_t k = i;
        for (; k > 0 && clause_order(&clauses[i], sorted[k - 1]) < 0; k--)
            sorted[k] = sorted[k - 1];
        sorted[k] = &clauses[i];
    }
    for (size_t i = 0; i < count; i++)
        if (fn(cookie, &sorted[i]->c))
            return true;
    return false;
}

/* ---- one endpoint ---- */

struct choice {
    const struct accept_offer *offer;
    struct accept *ret;
};

static bool read_conversion(const struct accept_clause *c, struct accept *ret)
{
    static const struct {
        const char *word;
        enum convert convert;
    } known[] = {{"Table", CONVERT_TABLE},
                 {"PartialObjectMetadata", CONVERT_PARTIAL},
                 {"PartialObjectMetadataList", CONVERT_PARTIAL_LIST}};
    if (!*c->as && !*c->group && !*c->version)
        return true;
    ret->v1beta1 = strcmp(c->version, "v1beta1") == 0;
    if (strcmp(c->group, "meta.k8s.io") != 0 || (!ret->v1beta1 && strcmp(c->version, "v1") != 0))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (strcmp(c->as, known[i].word) != 0)
            continue;
        ret->convert = known[i].convert;
        return true;
    }
    return false;
}

static bool media_fits(const struct accept_offer *o, enum media m, enum convert convert)
{
    if (m == MEDIA_PROTOBUF)
        return convert == CONVERT_NONE ? o->plain_protobuf
                                       : o->protobuf && convert != CONVERT_TABLE;
    return convert != CONVERT_TABLE || o->table;
}

static bool choose(void *cookie, const struct accept_clause *c)
{
    static const char *const subtypes[] = {
        [MEDIA_JSON] = "json", [MEDIA_YAML] = "yaml", [MEDIA_PROTOBUF] = "vnd.kubernetes.protobuf"};
    struct choice *choice = cookie;
    struct accept found = {.pretty = c->pretty};
    if (!read_conversion(c, &found))
        return false;
    for (unsigned m = MEDIA_JSON; m <= MEDIA_PROTOBUF; m++) {
        bool fits = (is_wild(c->type) && is_wild(c->subtype)) ||
                    (strcmp(c->type, "application") == 0 &&
                     (is_wild(c->subtype) || strcmp(c->subtype, subtypes[m]) == 0));
        if (!fits || !media_fits(choice->offer, m, found.convert))
            continue;
        found.media = m;
        *choice->ret = found;
        return true;
    }
    return false;
}

bool accept_negotiate(const char *header, const struct accept_offer *offer, struct accept *ret)
{
    struct choice choice = {.offer = offer, .ret = ret};
    *ret = (struct accept){0};
    if (!header || !*header)
        return true;
    /* What nearly everybody sends. */
    if (strcmp(header, "application/json") == 0 || strcmp(header, "*/*") == 0 ||
        strcmp(header, "application/json, */*") == 0)
        return true;
    return accept_each(header, choose, &choice);
}

const char *media_name(enum media m)
{
    static const char *const names[] = {[MEDIA_JSON] = "application/json",
                                        [MEDIA_YAML] = "application/yaml",
                                        [MEDIA_PROTOBUF] = "application/vnd.kubernetes.protobuf"};
    return names[m];
}

bool wants_pretty(const struct rest_request *req, const struct query *q)
{
    static const char *const readers[] = {"curl", "Wget", "Mozilla/5.0"};
    const char *asked = query_get(q, "pretty"), *agent = rest_header(req, "User-Agent");
    bool value = false;
    if (asked && *asked)
        return go_parse_bool(asked, &value) && value;
    for (size_t i = 0; agent && i < ARRAY_LEN(readers); i++)
        if (strncmp(agent, readers[i], strlen(readers[i])) == 0)
            return true;
    return false;
}
