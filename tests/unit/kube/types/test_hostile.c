/* Protobuf that nobody should send, or that only few do: tables of bytes. */
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/types/protobuf.h"
#include "kube/types/wire.h"
#include "tests/unit/suite.h"

/* ---- rows ---- */

struct row {
    const char *type; /* NULL: an envelope */
    const char *hex;  /* blanks do not count; 'x' after a byte's digits makes text: "x:Pod" */
    const char *json; /* expected; NULL: an error */
    enum err_code code;
    const char *message;
};

/* "0a x:abc 00": bytes, and words after "x:" as they are. */
static void parse_bytes(struct strbuf *out, const char *hex)
{
    while (*hex) {
        unsigned byte;

        if (*hex == ' ') {
            hex++;
        } else if (strncmp(hex, "x:", 2) == 0) {
            size_t len = strcspn(hex + 2, " ");

            strbuf_add(out, hex + 2, len);
            hex += 2 + len;
        } else {
            ck_assert_msg(sscanf(hex, "%2x", &byte) == 1, "%s", hex);
            strbuf_addch(out, (char)byte);
            hex += 2;
        }
    }
}

static const struct row rows[] = {
    /* what is rare, and fine */
    {"PodSecurityContext", "2203 0001 ac02", NULL, ERR_SYNTAX, "unexpected EOF"},
    {"PodSecurityContext", "2204 0001 ac02", "{\"supplementalGroups\":[0,1,300]}", 0, NULL},
    {"PodSecurityContext", "2000 2001 20ac02 2201 05", "{\"supplementalGroups\":[0,1,300,5]}", 0,
     NULL},
    {"PodSecurityContext", "2200", "{\"supplementalGroups\":[]}", 0, NULL},
    {"PodSecurityContext", "1000 1802", "{\"runAsUser\":0,\"runAsNonRoot\":true}", 0, NULL},
    {"PodSecurityContext", "10ffffffffffffffffff01", "{\"runAsUser\":-1}", 0, NULL},
    {"ContainerPort", "18ffffffffffffffffff01", "{\"containerPort\":-1}", 0, NULL},
    {"ContainerPort", "18ffffffff0f", "{\"containerPort\":-1}", 0, NULL},
    {"ContainerPort", "", "{\"containerPort\":0}", 0, NULL},
    {"ContainerPort", "1801 1802", "{\"containerPort\":2}", 0, NULL},
    {"ContainerPort", "1801 fa0603 x:abc f80601 f50601020304 f1060102030405060708",
     "{\"containerPort\":1}", 0, NULL},
    {"LocalObjectReference", "0a02 x:a ff", "{\"name\":\"a\xef\xbf\xbd\"}", 0, NULL},
    {"LocalObjectReference", "0a03 eda080", "{\"name\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}",
     0, NULL},
    {"LocalObjectReference", "0a04 f09f9880", "{\"name\":\"\xf0\x9f\x98\x80\"}", 0, NULL},
    {"Secret", "1200", "{\"metadata\":{},\"data\":{\"\":\"\"}}", 0, NULL},
    {"Secret", "1203 0a01 x:k", "{\"metadata\":{},\"data\":{\"k\":\"\"}}", 0, NULL},
    {"Secret", "1203 1201 01", "{\"metadata\":{},\"data\":{\"\":\"AQ==\"}}", 0, NULL},
    {"Secret", "1205 1200 0a01 x:k 1206 0a01 x:k 1201 02",
     "{\"metadata\":{},\"data\":{\"k\":\"Ag==\"}}", 0, NULL},
    {"ResourceQuotaSpec", "0a05 0a03 x:cpu", "{\"hard\":{\"cpu\":\"0\"}}", 0, NULL},
    {"ResourceQuotaSpec", "0a0f 0a03 x:cpu 1208 0a06 x:1024Mi", "{\"hard\":{\"cpu\":\"1Gi\"}}", 0,
     NULL},
    {"PodStatus", "3a04 08011005", "{\"startTime\":\"1970-01-01T00:00:01Z\"}", 0, NULL},
    {"PodStatus", "3a00", "{\"startTime\":null}", 0, NULL},
    {"PodStatus", "3a0b 088092b8c398feffffff01", "{\"startTime\":null}", 0, NULL},
    {"PodSpec", "", "{\"containers\":null}", 0, NULL},
    {"PodSpec", "1200", "{\"containers\":[{\"name\":\"\",\"resources\":{}}]}", 0, NULL},
    {"ServicePort", "2200", "{\"port\":0,\"targetPort\":0}", 0, NULL},
    {"ServicePort", "2206 0801 1a02 x:ab", "{\"port\":0,\"targetPort\":\"ab\"}", 0, NULL},
    {"List", "1204 0a02 x:{}", "{\"metadata\":{},\"items\":[{}]}", 0, NULL},
    {"List", "1217 0a15 x:k8s 00 0a0f 0a02 x:v1 1209 x:ConfigMap",
     "{\"metadata\":{},\"items\":[{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{}}]}",
     0, NULL},
    {NULL, "x:k8s 00 0a09 0a02 x:v1 1203 x:Pod",
     "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{},\"spec\":{\"containers\":null},"
     "\"status\":{}}",
     0, NULL},
    {NULL, "x:k8s 00 0a18 0a07 x:apps/v1 120d x:DeleteOptions 1202 0800",
     "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"apps/v1\",\"gracePeriodSeconds\":0}", 0, NULL},
    {NULL, "x:k8s 00 0a09 0a02 x:v1 1203 x:Pod 1207 x:{\"a\":1} 2210 x:application/json",
     "{\"a\":1,\"apiVersion\":\"v1\",\"kind\":\"Pod\"}", 0, NULL},
    {NULL, "x:k8s 00 0a08 0a02 x:v1 1202 x:VM 1202 x:{} 2210 x:application/json",
     "{\"apiVersion\":\"v1\",\"kind\":\"VM\"}", 0, NULL},

    /* broken */
    {"PodSpec", "12", NULL, ERR_SYNTAX, "unexpected EOF"},
    {"PodSpec", "1201", NULL, ERR_SYNTAX, "unexpected EOF"},
    {"PodSpec", "12ffffffff07", NULL, ERR_SYNTAX, "unexpected EOF"},
    {"PodSpec", "12ffffffffffffffff7f", NULL, ERR_SYNTAX, "unexpected EOF"},
    {"PodSpec", "12ffffffffffffffffff01", NULL, ERR_SYNTAX,
     "proto: negative length found during unmarshaling"},
    {"PodSpec", "12ffffffffffffffffffff01", NULL, ERR_SYNTAX, "proto: integer overflow"},
    {"PodSpec", "80808080808080808080808001", NULL, ERR_SYNTAX, "proto: integer overflow"},
    {"PodSpec", "80", NULL, ERR_SYNTAX, "unexpected EOF"},
    {"PodSpec", "00", NULL, ERR_SYNTAX, "proto: illegal tag"},
    {"PodSpec", "f8ffffff7f 00", NULL, ERR_SYNTAX, "proto: illegal tag"},
    {"PodSpec", "13 0a00 14", NULL, ERR_SYNTAX, "proto: groups are not supported"},
    {"PodSpec", "14", NULL, ERR_SYNTAX, "proto: groups are not supported"},
    {"PodSpec", "16", NULL, ERR_SYNTAX, "proto: illegal wireType"},
    {"PodSpec", "17", NULL, ERR_SYNTAX, "proto: illegal wireType"},
    {"PodSpec", "1001", NULL, ERR_SYNTAX, "proto: wrong wireType = 0 for field containers"},
    {"PodSpec", "2201 00", NULL, ERR_SYNTAX,
     "proto: wrong wireType = 2 for field terminationGracePeriodSeconds"},
    {"PodSpec", "25 00000000", NULL, ERR_SYNTAX,
     "proto: wrong wireType = 5 for field terminationGracePeriodSeconds"},
    {"PodSpec", "f10601020304", NULL, ERR_SYNTAX, "unexpected EOF"},
    {"PodSpec", "f506010203", NULL, ERR_SYNTAX, "unexpected EOF"},
    {"PodSecurityContext", "2202 80", NULL, ERR_SYNTAX, "unexpected EOF"},
    {"PodSecurityContext", "2201 80", NULL, ERR_SYNTAX, "unexpected EOF"},
    {"LocalObjectReference", "0a02 x:a 00", NULL, ERR_SYNTAX, "a string holds U+0000"},
    {"Secret", "1206 0a02 x:a 00 1200", NULL, ERR_SYNTAX, "a string holds U+0000"},
    {"Secret", "1203 0a05 x:k", NULL, ERR_SYNTAX, "unexpected EOF"},
    {"ResourceQuotaSpec", "0a0a 0a03 x:cpu 1203 0a01 x:x", NULL, ERR_SYNTAX,
     "quantities must match the regular expression "
     "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"},
    {"ResourceQuotaSpec", "0a09 0a03 x:cpu 1202 0800", NULL, ERR_SYNTAX, "proto: wrong wireType"},
    {"PodStatus", "3a0a 08ffffffffffffffff7f", NULL, ERR_SYNTAX,
     "a timestamp lies outside of the years 1 to 9999"},
    {"PodStatus", "3a0b 0880808080808080808001", NULL, ERR_SYNTAX,
     "a timestamp lies outside of the years 1 to 9999"},
    {"ServicePort", "2202 0807", NULL, ERR_SYNTAX, "impossible IntOrString.Type"},
    {"List", "1205 0a03 x:{\"a", NULL, ERR_SYNTAX, NULL},
    {"List", "1204 0a02 x:{1", NULL, ERR_SYNTAX, NULL},
    {NULL, "", NULL, ERR_SYNTAX, "provided data does not appear to be a protobuf message"},
    {NULL, "x:k8s", NULL, ERR_SYNTAX, "provided data does not appear to be a protobuf message"},
    {NULL, "x:{} 0000", NULL, ERR_SYNTAX, "provided data does not appear to be a protobuf message"},
    {NULL, "x:k8s 00", NULL, ERR_SYNTAX, "Object 'Kind' is missing in the protobuf envelope"},
    {NULL, "x:k8s 00 0a04 0a02 x:v1", NULL, ERR_SYNTAX,
     "Object 'Kind' is missing in the protobuf envelope"},
    {NULL, "x:k8s 00 0a09 0a02 x:v1 1203 x:Pot", NULL, ERR_NOT_FOUND,
     "no kind \"Pot\" is registered for version \"v1\""},
    {NULL, "x:k8s 00 0a09 0a02 x:v1 1203 x:Pod 1a04 x:gzip", NULL, ERR_UNSUPPORTED,
     "content encoding of protobuf: \"gzip\""},
    {NULL, "x:k8s 00 0a09 0a02 x:v1 1203 x:Pod 1202 x:[] 2210 x:application/json", NULL, ERR_SYNTAX,
     "raw is JSON, but not an object"},
};

START_TEST(table)
{
    const struct row *row = &rows[_i];
    AUTO(strbuf) struct strbuf bytes = {0};
    AUTO(strbuf) struct strbuf text = {0};
    AUTO(err) struct err e = {0};
    AUTO(json) json_t *object = NULL;

    parse_bytes(&bytes, row->hex);
    if (row->type) {
        AUTO(str) char *name = mem_printf("io.k8s.api.core.v1.%s", row->type);
        const struct kube_type *t =
            strcmp(row->type, "List") ? kube_type_named(name) : kube_type_of("v1", "List");
        ck_assert_msg(t, "%s", name);
        object = protobuf_decode_message(t, bytes.data, bytes.len, &e);
    } else {
        object = protobuf_decode(bytes.data, bytes.len, &e);
    }
    if (!row->json) {
        ck_assert_ptr_null(object);
        ck_assert_msg(!row->message || strcmp(e.msg, row->message) == 0, "%s: %s", row->hex, e.msg);
        ck_assert_int_eq(e.code, row->code);
        return;
    }
    ck_assert_msg(object, "%s: %s", row->hex, e.msg);
    json_write(&text, object, JSON_TIGHT);
    ck_assert_str_eq(strbuf_str(&text), row->json);
}
END_TEST

/* ---- every prefix, every byte changed ---- */

/* An answer or an error, never both or none; the sanitizers see the rest. */
static void survive(const uint8_t *bytes, size_t len)
{
    AUTO(err) struct err e = {0};
    AUTO(mem) void *copy = mem_dup(bytes, len ? len : 1); /* of that size: reading on is seen */
    AUTO(json) json_t *object = protobuf_decode(copy, len, &e);

    ck_assert(!object == err_pending(&e));
}

static void damage(struct strbuf *wire, size_t step)
{
    uint8_t *bytes = (uint8_t *)wire->data;

    for (size_t i = 0; i < wire->len; i += step) {
        uint8_t kept = bytes[i];

        survive(bytes, i);
        for (unsigned bit = 0; bit < 8; bit += 3) {
            bytes[i] = kept ^ (uint8_t)(1u << bit);
            survive(bytes, wire->len);
        }
        bytes[i] = 0xff;
        survive(bytes, wire->len);
        bytes[i] = kept;
    }
}

START_TEST(damaged)
{
    AUTO(file) FILE *file = fopen("tests/unit/kube/types/objects.txt", "r");
    AUTO(str) char *line = NULL;
    size_t cap = 0, bad;

    ck_assert_ptr_nonnull(file);
    while (getline(&line, &cap, file) > 0) {
        AUTO(strbuf) struct strbuf wire = {0};

        ck_assert_int_eq(base64_read(&wire, line, strcspn(line, "\t"), &bad), 0);
        damage(&wire, 1 + wire.len / 12);
    }
}
END_TEST

/* ---- limits ---- */

/* JSONSchemaProps in its own "not", `levels` deep. */
static void nest(struct strbuf *out, unsigned levels)
{
    for (unsigned i = 0; i < levels; i++) {
        AUTO(strbuf) struct strbuf inner = *out;

        *out = (struct strbuf){0};
        wire_put_bytes(out, 28, strbuf_str(&inner), inner.len);
    }
}

START_TEST(deep)
{
    static const char name[] =
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";
    AUTO(strbuf) struct strbuf fits = {0};
    AUTO(strbuf) struct strbuf wide = {0};
    AUTO(err) struct err e = {0};

    nest(&fits, JSON_DEPTH_MAX - 1);
    AUTO(json)
    json_t *object = protobuf_decode_message(kube_type_named(name), fits.data, fits.len, &e);
    ck_assert_ptr_nonnull(object);
    nest(&wide, 2000);
    ck_assert_ptr_null(protobuf_decode_message(kube_type_named(name), wide.data, wide.len, &e));
    ck_assert_int_eq(e.code, ERR_LIMIT);
    ck_assert_str_eq(e.msg, "protobuf is nested deeper than 64 levels");
}
END_TEST

/* Raw JSON counts from where it stands. */
/* As an item of a List, which may be so deep. */
static void check_item(const struct strbuf *raw, unsigned levels, struct err *e)
{
    AUTO(strbuf) struct strbuf message = {0};
    size_t begun = wire_begin(&message, 2);

    wire_put_bytes(&message, 1, raw->data, raw->len);
    wire_end(&message, begun);
    AUTO(json)
    json_t *list =
        protobuf_decode_message(kube_type_of("v1", "List"), message.data, message.len, e);
    ck_assert_int_eq(list != NULL, levels <= JSON_DEPTH_MAX - 2);
}

static void add_brackets(struct strbuf *out, unsigned levels)
{
    for (unsigned i = 0; i < levels; i++)
        strbuf_addch(out, '[');
    for (unsigned i = 0; i < levels; i++)
        strbuf_addch(out, ']');
}

START_TEST(deep_raw)
{
    AUTO(strbuf) struct strbuf raw = {0};
    AUTO(err) struct err e = {0};

    for (unsigned levels = 61; levels <= 63; levels++) {
        strbuf_reset(&raw);
        add_brackets(&raw, levels);
        check_item(&raw, levels, &e);
    }
    ck_assert_int_eq(e.code, ERR_LIMIT);
}
END_TEST

/* So does JSON in an envelope of its own. */
START_TEST(deep_json_in_an_envelope)
{
    AUTO(err) struct err e = {0};

    for (unsigned levels = 60; levels <= 63; levels++) {
        AUTO(strbuf) struct strbuf json = {0};
        AUTO(strbuf) struct strbuf envelope = {0};
        size_t begun;

        strbuf_addstr(&json, "{\"apiVersion\":\"v1\",\"kind\":\"A\",\"a\":");
        add_brackets(&json, levels - 1);
        strbuf_addch(&json, '}');
        strbuf_add(&envelope, "k8s", 4);
        begun = wire_begin(&envelope, 1);
        wire_put_bytes(&envelope, 1, "v1", 2);
        wire_put_bytes(&envelope, 2, "A", 1);
        wire_end(&envelope, begun);
        wire_put_bytes(&envelope, 2, json.data, json.len);
        wire_put_bytes(&envelope, 4, "application/json", strlen("application/json"));
        check_item(&envelope, levels, &e);
    }
    ck_assert_int_eq(e.code, ERR_LIMIT);
}
END_TEST

/* Two bytes make an object of a few hundred. */
START_TEST(many)
{
    size_t len = 1u << 20;
    AUTO(mem) void *memory = mem_zalloc(len);
    uint8_t *bytes = memory;
    AUTO(err) struct err e = {0};

    for (size_t i = 0; i < len; i += 2)
        bytes[i] = 0x12;
    ck_assert_ptr_null(
        protobuf_decode_message(kube_type_named("io.k8s.api.core.v1.PodSpec"), bytes, len, &e));
    ck_assert_int_eq(e.code, ERR_LIMIT);
    ck_assert_str_eq(e.msg, "protobuf has more than 524288 values");
}
END_TEST

/* ---- encoding what does not fit ---- */

static const struct {
    const char *json, *message;
} misfits[] = {
    {"{}", "no kind \"\" is registered for version \"\""},
    {"{\"apiVersion\":\"v1\",\"kind\":\"VM\"}", "no kind \"VM\" is registered for version \"v1\""},
    {"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"spec\":5}", "field spec: expected an object"},
    {"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"spec\":{\"containers\":{}}}",
     "field containers: expected an array"},
    {"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"labels\":[]}}",
     "field labels: expected an object"},
    {"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"labels\":{\"a\":1}}}",
     "field labels: expected a string"},
    {"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"creationTimestamp\":\"now\"}}",
     "field creationTimestamp: expected a time"},
    {"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"spec\":{\"priority\":3000000000}}",
     "field priority: expected an integer that fits"},
    {"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"spec\":{\"priority\":1.5}}",
     "field priority: expected an integer"},
    {"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"spec\":{\"hostPID\":1}}",
     "field hostPID: expected a boolean"},
    {"{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"data\":{\"a\":\"*\"}}",
     "field data: expected base64"},
    {"{\"apiVersion\":\"v1\",\"kind\":\"ResourceQuota\",\"spec\":{\"hard\":{\"cpu\":\"x\"}}}",
     "field hard: expected a quantity"},
    {"{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"spec\":{\"ports\":[{\"targetPort\":1.5}]}}",
     "field targetPort: expected an integer or a string"},
};

START_TEST(misfit)
{
    AUTO(strbuf) struct strbuf out = {0};
    AUTO(err) struct err e = {0};
    AUTO(json)
    json_t *object = json_read(misfits[_i].json, strlen(misfits[_i].json), "object", NULL);

    strbuf_addstr(&out, "before");
    ck_assert_int_eq(protobuf_encode(&out, object, &e), -1);
    ck_assert_str_eq(e.msg, misfits[_i].message);
    ck_assert_str_eq(strbuf_str(&out), "before");
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("hostile",
                      SUITE_LONG_CASE("hostile", 100, EACH(table, rows), EACH(misfit, misfits),
                                      TEST(damaged), TEST(deep), TEST(deep_raw),
                                      TEST(deep_json_in_an_envelope), TEST(many)));
}
