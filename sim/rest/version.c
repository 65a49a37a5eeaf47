/* /version: which release the server claims to be. */
#include <stdlib.h>
#include <string.h>

#include "sim/rest/rest_priv.h"

/* From this minor on the server also tells what it emulates. */
#define EMULATION_SINCE 33

static json_t *version_info(const char *version)
{
    char *end;
    long major = strtol(version + (*version == 'v'), &end, 10);
    long minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
    AUTO(str) char *major_text = mem_printf("%ld", major);
    AUTO(str) char *minor_text = mem_printf("%ld", minor);
    AUTO(str) char *before = mem_printf("%ld", minor - 1);
    json_t *info = json_object();
    json_put_str(info, "major", major_text);
    json_put_str(info, "minor", minor_text);
    if (minor >= EMULATION_SINCE) {
        json_put_str(info, "emulationMajor", major_text);
        json_put_str(info, "emulationMinor", minor_text);
        json_put_str(info, "minCompatibilityMajor", major_text);
        json_put_str(info, "minCompatibilityMinor", before);
    }
    json_put_str(info, "gitVersion", version);
    json_put_str(info, "gitCommit", "0000000000000000000000000000000000000000");
    json_put_str(info, "gitTreeState", "clean");
    json_put_str(info, "buildDate", "2026-01-01T00:00:00Z");
    json_put_str(info, "goVersion", "go1.23.0");
    json_put_str(info, "compiler", "gc");
    json_put_str(info, "platform", "linux/amd64");
    return info;
}

int document_version(struct rest_call *c)
{
    if (strcmp(c->route.path, "/version") != 0)
        return 1;
    if (c->method != METHOD_GET && c->method != METHOD_HEAD)
        return answer_error_text(c, 405, "405: Method Not Allowed");
    /* Always indented, whatever was asked for. */
    c->accept = (struct accept){.pretty = true};
    c->settled = c->negotiated = true;
    return answer_document(c, 200, version_info(c->r->version));
}
