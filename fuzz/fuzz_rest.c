/* Any bytes as a request: the first line is "METHOD TARGET", header lines follow up to an empty
 * one, the rest is the body. It is answered, with a Status or not; a watch is read until it has
 * nothing more; and what claims to be JSON is. The server lives through many inputs, so that one
 * may meet what another made. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "fuzz/next_line.h"
#include "sim/controllermanager/controllermanager.h"
#include "sim/rest/rest.h"
#include "sim/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEADERS_MAX 32
#define INPUTS_PER_SERVER 500 /* then a new one: what inputs made must not grow for ever */

static struct world *world;
static struct rest *rest;
static unsigned inputs;

static const char crd[] =
    "{\"apiVersion\":\"apiextensions.k8s.io/v1\",\"kind\":\"CustomResourceDefinition\","
    "\"metadata\":{\"name\":\"widgets.example.com\"},\"spec\":{\"group\":\"example.com\","
    "\"scope\":\"Namespaced\",\"names\":{\"plural\":\"widgets\",\"kind\":\"Widget\"},"
    "\"versions\":[{\"name\":\"v1\",\"served\":true,\"storage\":true,\"subresources\":"
    "{\"status\":{}},\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\",\"properties\":"
    "{\"spec\":{\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":true}}}}}]}}";

static void end(void)
{
    rest_destroy(rest);
    world_destroy(world);
    rest = NULL;
    world = NULL;
}

static void begin(void)
{
    const struct world_config config = {.seed = 1};
    static bool registered;
    if (!registered)
        atexit(end);
    registered = true;
    end();
    world = world_create(&config);
    struct cluster *c = kcm_add_cluster(world, "main", NULL);
    AUTO(json) json_t *definition = json_read(crd, sizeof(crd) - 1, "crd", NULL);
    int rc = apiserver_add_crd(cluster_server(c), definition, NULL);
    assert(rc == 0);
    (void)rc;
    const struct rest_config front = {
        .server = cluster_server(c), .sched = world_sched(world), .gzip = true};
    rest = rest_create(&front);
}

static size_t read_headers(char **text, struct rest_header list[HEADERS_MAX])
{
    size_t count = 0;
    for (char *line; (line = next_line(text)) && *line;) {
        char *colon = strchr(line, ':');
        if (!colon || count == HEADERS_MAX)
            continue;
        *colon = '\0';
        list[count++] = (struct rest_header){line, colon + 1 + (colon[1] == ' ')};
    }
    return count;
}

static void read_stream(struct rest_stream *s)
{
    AUTO(strbuf) struct strbuf out = {0};
    enum rest_stream_state state;
    while ((state = rest_stream_read(s, &out, 4096)) == REST_STREAM_DATA)
        strbuf_reset(&out);
    assert(state == REST_STREAM_WAIT || state == REST_STREAM_END);
}

static void check_answer(const struct rest_answer *a)
{
    const char *type = rest_answer_get(a, "Content-Type");
    assert(a->code >= 200 && a->code < 600);
    assert(rest_answer_get(a, "Audit-Id"));
    for (size_t i = 0; i < a->header_count; i++)
        assert(!strpbrk(a->headers[i].value, "\r\n"));
    if (!type || strcmp(type, "application/json") != 0 || a->body.len == 0 ||
        rest_answer_get(a, "Content-Encoding"))
        return;
    AUTO(json) json_t *v = json_read(a->body.data, a->body.len, "answer", NULL);
    assert(v || a->body.len > JSON_BYTES_MAX);
}

static void ask(char *text, size_t size)
{
    struct rest_header headers[HEADERS_MAX];
    char *start = text, *line = next_line(&text);
    char *space = line ? strchr(line, ' ') : NULL;
    if (!space)
        return;
    *space = '\0';
    size_t count = read_headers(&text, headers);
    size_t used = (size_t)(text - start);
    /* A body of just its size: a read beyond its end must not find the text's terminating NUL. */
    AUTO(mem) void *body = mem_dup(text, size - used);
    const struct rest_request req = {.method = line,
                                     .target = space + 1,
                                     .headers = headers,
                                     .header_count = count,
                                     .body = body,
                                     .body_len = size - used};
    struct rest_answer a = {0};
    rest_handle(rest, &req, &a);
    if (a.stream)
        read_stream(a.stream);
    check_answer(&a);
    rest_answer_finish(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_init();
    if (inputs++ % INPUTS_PER_SERVER == 0)
        begin();
    AUTO(str) char *text = mem_alloc(size + 1);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    ask(text, size);
    return 0;
}
