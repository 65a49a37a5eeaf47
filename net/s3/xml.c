#include "net/s3/xml.h"

#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/strbuf.h"

struct walk {
    s3_xml_fn *fn;
    void *cookie;
    char path[S3_XML_PATH_MAX];
    struct strbuf texts[S3_XML_DEPTH_MAX];
    unsigned depth;
    bool broken, stopped;
    xmlParserCtxtPtr parser;
};

static void give_up(struct walk *w)
{
    w->broken = true;
    xmlStopParser(w->parser);
}

static void on_start(void *cookie, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                     int namespaces, const xmlChar **namespace_list, int attributes, int defaulted,
                     const xmlChar **attribute_list)
{
    struct walk *w = cookie;
    size_t used = strlen(w->path), len = strlen((const char *)name);

    (void)prefix, (void)uri, (void)namespaces, (void)namespace_list, (void)attributes;
    (void)defaulted, (void)attribute_list;
    if (w->broken)
        return;
    if (w->depth == S3_XML_DEPTH_MAX || used + len + 2 > sizeof w->path) {
        give_up(w);
        return;
    }
    if (used)
        w->path[used++] = '/';
    memcpy(w->path + used, name, len + 1);
    strbuf_reset(&w->texts[w->depth++]);
}

static void on_end(void *cookie, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    struct walk *w = cookie;
    char *slash = strrchr(w->path, '/');

    (void)name, (void)prefix, (void)uri;
    if (w->broken || w->stopped || !w->depth)
        return;
    const struct strbuf *text = &w->texts[--w->depth];
    if (w->fn(w->cookie, w->path, text->len ? text->data : "") != 0) {
        w->stopped = true;
        xmlStopParser(w->parser);
        return;
    }
    if (slash)
        *slash = '\0';
    else
        w->path[0] = '\0';
}

static void on_text(void *cookie, const xmlChar *text, int len)
{
    struct walk *w = cookie;

    if (!w->broken && w->depth && len > 0)
        strbuf_add(&w->texts[w->depth - 1], text, (size_t)len);
}

/* A document type could define entities; answers of S3 have none. */
static void on_subset(void *cookie, const xmlChar *name, const xmlChar *external,
                      const xmlChar *system)
{
    (void)name, (void)external, (void)system;
    give_up(cookie);
}

static void ignore(void *cookie, const char *message, ...)
{
    (void)cookie, (void)message;
}

int s3_xml_each(const char *bytes, size_t len, s3_xml_fn *fn, void *cookie, struct err *reterr)
{
    xmlSAXHandler handler = {.initialized = XML_SAX2_MAGIC,
                             .startElementNs = on_start,
                             .endElementNs = on_end,
                             .characters = on_text,
                             .internalSubset = on_subset,
                             .error = ignore,
                             .warning = ignore};
    struct walk w = {.fn = fn, .cookie = cookie};

    w.parser = xmlCreatePushParserCtxt(&handler, &w, NULL, 0, NULL);
    if (!w.parser)
        return err_set(reterr, ERR_LIMIT, NO_POS, "no room for an XML parser");
    xmlCtxtUseOptions(w.parser, XML_PARSE_NONET | XML_PARSE_NOCDATA);
    int code = len > INT32_MAX ? -1 : xmlParseChunk(w.parser, bytes, (int)len, 1);
    xmlFreeParserCtxt(w.parser);
    for (size_t i = 0; i < ARRAY_LEN(w.texts); i++)
        strbuf_finish(&w.texts[i]);
    if (w.stopped || (code == 0 && !w.broken))
        return 0;
    return err_set(reterr, ERR_CORRUPT, NO_POS, "the answer is no XML that S3 would send");
}

struct wanted {
    const char *path;
    char *text;
};

static int take_first(void *cookie, const char *path, const char *text)
{
    struct wanted *w = cookie;

    if (strcmp(path, w->path) != 0)
        return 0;
    w->text = mem_strdup(text);
    return 1;
}

char *s3_xml_text(const char *bytes, size_t len, const char *path)
{
    struct wanted w = {path, NULL};
    AUTO(err) struct err e = {0};

    s3_xml_each(bytes, len, take_first, &w, &e);
    return w.text;
}
