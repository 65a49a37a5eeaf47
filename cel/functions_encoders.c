/* cel-spec's extension `encoders`: of the standard environment, not of Kubernetes'. */
#include "base/base64.h"
#include "cel/functions.h"

static int fn_encode(struct cel_context *c, size_t nargs, struct cel_value *args,
                     struct cel_value *ret)
{
    AUTO(strbuf) struct strbuf text = {0};

    if (args[0].type != CEL_BYTES)
        return eval_no_overload(c, nargs, args);
    if (eval_charge(c, args[0].u.text.len / 10) < 0)
        return -1;
    base64_add(&text, args[0].u.text.data, args[0].u.text.len);
    return eval_text(c, strbuf_str(&text), text.len, ret);
}

/* With its padding, or without. */
static int fn_decode(struct cel_context *c, size_t nargs, struct cel_value *args,
                     struct cel_value *ret)
{
    AUTO(strbuf) struct strbuf text = {0};
    AUTO(strbuf) struct strbuf bytes = {0};
    size_t bad;

    if (args[0].type != CEL_STRING)
        return eval_no_overload(c, nargs, args);
    if (eval_charge(c, args[0].u.text.len / 10) < 0)
        return -1;
    strbuf_add(&text, args[0].u.text.data, args[0].u.text.len);
    while (text.len % 4 != 0)
        strbuf_addch(&text, '=');
    if (base64_read(&bytes, strbuf_str(&text), text.len, &bad) < 0)
        return eval_fail(c, ERR_INVALID, "illegal base64 data");
    if (eval_text(c, strbuf_str(&bytes), bytes.len, ret) < 0)
        return -1;
    ret->type = CEL_BYTES;
    return 0;
}

static const struct cel_std rows[] = {
    {"base64.encode", STD_GLOBAL, 1, 1, 0, fn_encode, "bytes->string", 0, COST_CALL},
    {"base64.decode", STD_GLOBAL, 1, 1, 0, fn_decode, "string->bytes", 0, COST_CALL},
};

const struct std_family std_encoders = {.rows = rows, .count = ARRAY_LEN(rows), .standard = true};
