#include "tests/unit/qcow2/engines.h"

#include <check.h>
#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "qcow2/check.h"
#include "qcow2/flatten.h"

char *qemu_graph(const char *const *paths, size_t count)
{
    AUTO(strbuf) struct strbuf b = {0};
    strbuf_addstr(&b, "json:");
    for (size_t i = count; i-- > 0;)
        strbuf_addf(&b,
                    "{\"driver\":\"qcow2\",\"read-only\":true,\"file\":{\"driver\":\"file\","
                    "\"filename\":\"%s\",\"read-only\":true},\"backing\":",
                    paths[i]);
    strbuf_addstr(&b, "null");
    for (size_t i = 0; i < count; i++)
        strbuf_addch(&b, '}');
    return strbuf_take(&b);
}

int qemu_flatten(const char *const *paths, size_t count, const char *raw)
{
    AUTO(str) char *graph = qemu_graph(paths, count);
    return run_tool((const char *const[]){"qemu-img", "convert", "-O", "raw", graph, raw, NULL});
}

int flatten_bytes(struct qcow2_chain *chain, struct bytes *ret, struct qcow2_fault *retfault)
{
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_memory("flat", UINT64_C(1) << 26);
    if (qcow2_flatten(chain, sink, NULL, NULL, retfault) < 0)
        return -1;
    ret->data = qcow2_sink_memory_take(sink, &ret->len);
    return 0;
}

enum qcow2_defect answer_bytes(const struct qcow2_declared *declared, const struct bytes *layers,
                               size_t count, struct bytes *ret, char **ret_text)
{
    __attribute__((cleanup(cleanup_qcow2_fault))) struct qcow2_fault f = {0};
    struct qcow2_io **ios = mem_alloc((count + 1) * sizeof(*ios));
    for (size_t i = 0; i < count; i++)
        ios[i] = qcow2_io_memory(layers[i].data, layers[i].len, declared[i].name);
    AUTO(qcow2_chain)
    struct qcow2_chain *chain = qcow2_resolve(declared, ios, count, NULL, NULL, &f);
    free(ios);
    if (!chain || flatten_bytes(chain, ret, &f) < 0) {
        ck_assert_int_ne(f.defect, QCOW2_OK);
        if (ret_text)
            *ret_text = mem_strdup(f.err.msg);
    }
    return f.defect;
}

static bool check_is_sound(const struct bytes *image, char **ret_text)
{
    __attribute__((cleanup(cleanup_qcow2_fault))) struct qcow2_fault f = {0};
    __attribute__((cleanup(cleanup_qcow2_check))) struct qcow2_check_report r = {0};
    AUTO(qcow2_io) struct qcow2_io *io = qcow2_io_memory(image->data, image->len, "layer");
    if (qcow2_check(io, NULL, &r, &f) < 0) {
        if (ret_text)
            *ret_text = mem_strdup(f.err.msg);
        return false;
    }
    bool sound = qcow2_check_sound(&r);
    if (!sound && ret_text)
        *ret_text = mem_strdup(r.count ? r.items[0].text : "not sound, without a finding");
    return sound;
}

bool is_sound(const struct bytes *image)
{
    return check_is_sound(image, NULL);
}

void must_be_sound(const struct bytes *image, const char *what)
{
    AUTO(str) char *text = NULL;
    ck_assert_msg(check_is_sound(image, &text), "%s: check: %s", what, text);
}

void must_be_same(const struct bytes *got, const struct bytes *want, const char *what)
{
    ck_assert_msg(got->len == want->len, "%s: %zu bytes, expected %zu", what, got->len, want->len);
    if (got->len == 0 || memcmp(got->data, want->data, got->len) == 0)
        return;
    size_t at = 0;
    while (got->data[at] == want->data[at])
        at++;
    ck_abort_msg("%s: byte %zu is %d, expected %d", what, at, got->data[at], want->data[at]);
}
