/* The small languages inside of texts: selectors, quantities, times, durations, globs. The first
 * line is read as each of them, the second one is what a glob is held against. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/glob.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/quantity.h"
#include "kube/selector.h"
#include "kube/time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void as_selector(const char *text)
{
    AUTO(json) json_t *labels = json_pack("{s:s, s:s}", "app", "a", "tier", "b");
    AUTO(json) json_t *obj = json_pack("{s:{s:s}}", "metadata", "name", "vm");
    struct err e = {0};
    AUTO(selector) struct selector *s = selector_parse(text, &e);

    assert(!s == err_pending(&e));
    err_clear(&e);
    if (s)
        selector_matches(s, labels);
    AUTO(field_selector) struct field_selector *f = field_selector_parse(text, &e);
    assert(!f == err_pending(&e));
    err_clear(&e);
    if (f)
        field_selector_matches(f, obj);
}

static void as_number(const char *text)
{
    struct quantity a, b;
    int64_t ns, again;
    char out[QUANTITY_TEXT], time[TIME_TEXT];

    if (quantity_parse(text, &a)) {
        /* The canonical text may be rounded; it is always a quantity of the same sign. */
        quantity_format(&a, out);
        assert(quantity_parse(out, &b));
        assert((quantity_value(&a) > 0) == (quantity_value(&b) > 0));
        quantity_value(&a);
    }
    if (duration_parse(text, &ns)) {
        duration_format(ns, time);
        assert(duration_parse(time, &again) && again == ns);
    }
    if (time_parse(text, &ns)) {
        time_format_nano(ns, time);
        assert(time_parse(time, &again) && again == ns);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_init();
    AUTO(str) char *text = mem_strndup((const char *)data, size);
    char *second = strchr(text, '\n');

    if (second)
        *second++ = '\0';
    as_selector(text);
    as_number(text);
    if (size < 4096)
        glob_match(text, second ? second : text);
    return 0;
}
