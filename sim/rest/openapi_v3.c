/* OpenAPI 3.0: one document for each group and version. */
#include "sim/rest/openapi_priv.h"

void openapi_v3_write(struct strbuf *out, const struct apiserver *a, const char *server_version,
                      const char *group, const char *version)
{
    struct openapi o;
    openapi_init(&o, out, /* v2= */ false, a);
    jsonw_open(&o.w, NULL, '{');
    jsonw_string(&o.w, "openapi", "3.0.0");
    jsonw_open(&o.w, "info", '{');
    jsonw_string(&o.w, "title", "Kubernetes");
    jsonw_string(&o.w, "version", server_version);
    jsonw_close(&o.w, '}');
    jsonw_open(&o.w, "paths", '{');
    openapi_paths(&o, group, version);
    jsonw_close(&o.w, '}');
    jsonw_open(&o.w, "components", '{');
    jsonw_open(&o.w, "schemas", '{');
    for (size_t i = 0; i < o.custom_count; i++)
        openapi_custom_schemas(&o, i);
    openapi_schemas(&o);
    jsonw_close(&o.w, '}');
    jsonw_close(&o.w, '}');
    jsonw_close(&o.w, '}');
    openapi_finish(&o);
}
