/* Swagger 2.0: one document for everything, as JSON or as protobuf. */
#include "sim/rest/openapi_priv.h"

static void write_info(struct jsonw *w, const char *server_version)
{
    jsonw_string(w, "title", "Kubernetes");
    jsonw_string(w, "version", server_version);
}

void openapi_v2_write(struct strbuf *out, const struct apiserver *a, const char *server_version)
{
    AUTO(catalog_groups) struct catalog_groups groups = {0};
    struct openapi o;
    catalog_groups(a, &groups);
    openapi_init(&o, out, /* v2= */ true, a);
    jsonw_open(&o.w, NULL, '{');
    jsonw_string(&o.w, "swagger", "2.0");
    jsonw_open(&o.w, "info", '{');
    write_info(&o.w, server_version);
    jsonw_close(&o.w, '}');
    jsonw_open(&o.w, "paths", '{');
    for (size_t i = 0; i < groups.count; i++)
        for (size_t k = 0; k < groups.items[i].version_count; k++)
            openapi_paths(&o, groups.items[i].name, groups.items[i].versions[k]);
    jsonw_close(&o.w, '}');
    jsonw_open(&o.w, "definitions", '{');
    for (size_t i = 0; i < o.custom_count; i++)
        openapi_custom_schemas(&o, i);
    openapi_schemas(&o);
    jsonw_close(&o.w, '}');
    jsonw_close(&o.w, '}');
    openapi_finish(&o);
}

/* ---- protobuf ---- */

/* Piece by piece, each as JSON that is read back: the JSON reader has a limit, and all definitions
 * of a cluster together may be over it. */
struct pieces {
    struct openapi o;
    struct strbuf text, parts[OPENAPI_PARTS];
    int rc;
};

static void begin_piece(struct pieces *p)
{
    strbuf_reset(&p->text);
    p->o.w = (struct jsonw){.out = &p->text};
    jsonw_open(&p->o.w, NULL, '{');
}

static void end_piece(struct pieces *p, enum openapi_part part)
{
    jsonw_close(&p->o.w, '}');
    if (openapi_proto_add(&p->parts[part], part, &p->text) < 0)
        p->rc = -1;
}

static void write_pieces(struct pieces *p, const struct catalog_groups *groups,
                         const char *server_version)
{
    begin_piece(p);
    write_info(&p->o.w, server_version);
    end_piece(p, OPENAPI_INFO);
    for (size_t i = 0; i < groups->count; i++)
        for (size_t k = 0; k < groups->items[i].version_count; k++) {
            begin_piece(p);
            openapi_paths(&p->o, groups->items[i].name, groups->items[i].versions[k]);
            end_piece(p, OPENAPI_PATHS);
        }
    for (size_t i = 0; i < p->o.custom_count; i++) {
        begin_piece(p);
        openapi_custom_schemas(&p->o, i);
        end_piece(p, OPENAPI_DEFINITIONS);
    }
    begin_piece(p);
    openapi_schemas(&p->o);
    end_piece(p, OPENAPI_DEFINITIONS);
}

int openapi_v2_write_proto(struct strbuf *out, const struct apiserver *a,
                           const char *server_version)
{
    AUTO(catalog_groups) struct catalog_groups groups = {0};
    struct pieces p = {0};
    catalog_groups(a, &groups);
    openapi_init(&p.o, &p.text, /* v2= */ true, a);
    write_pieces(&p, &groups, server_version);
    if (p.rc == 0)
        openapi_proto_document(out, p.parts);
    for (unsigned i = 0; i < OPENAPI_PARTS; i++)
        strbuf_finish(&p.parts[i]);
    strbuf_finish(&p.text);
    openapi_finish(&p.o);
    return p.rc;
}
