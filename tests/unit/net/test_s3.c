/* Signatures by the examples of AWS's own page, checksums by their published values, and XML from
 * whoever stands at the other end. */
#include <string.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "net/s3/checksum.h"
#include "net/s3/sign.h"
#include "net/s3/xml.h"
#include "tests/unit/suite.h"

#define T2013 INT64_C(1369353600) /* 2013-05-24T00:00:00Z */
static const struct s3_keys keys = {"AKIAIOSFODNN7EXAMPLE",
                                    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", NULL};

static const struct {
    const char *name, *method, *path, *body;
    struct s3_pair query[2], headers[2];
    size_t query_count, header_count;
    const char *names, *signature;
} signatures[] = {
    {"a range of an object", "GET", "/test.txt", "", .headers = {{"range", "bytes=0-9"}},
     .header_count = 1, .names = "host;range;x-amz-content-sha256;x-amz-date",
     .signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
    {"an object is stored", "PUT", "/test%24file.text", "Welcome to Amazon S3.",
     .headers = {{"x-amz-storage-class", "REDUCED_REDUNDANCY"},
                 {"date", "Fri, 24 May 2013 00:00:00 GMT"}},
     .header_count = 2, .names = "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
     .signature = "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
    {"a query without a value", "GET", "/", "", .query = {{"lifecycle", ""}}, .query_count = 1,
     .names = "host;x-amz-content-sha256;x-amz-date",
     .signature = "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
    {"a list", "GET", "/", "", .query = {{"prefix", "J"}, {"max-keys", "2"}}, .query_count = 2,
     .names = "host;x-amz-content-sha256;x-amz-date",
     .signature = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
};

START_TEST(signature)
{
    char digest[DIGEST_HEX];

    digest_of(signatures[_i].body, strlen(signatures[_i].body), digest);
    const struct s3_signed what = {.method = signatures[_i].method,
                                   .host = "examplebucket.s3.amazonaws.com",
                                   .path = signatures[_i].path,
                                   .query = signatures[_i].query,
                                   .query_count = signatures[_i].query_count,
                                   .headers = signatures[_i].headers,
                                   .header_count = signatures[_i].header_count,
                                   .payload_sha256 = digest,
                                   .region = "us-east-1",
                                   .time_s = T2013};
    AUTO(str) char *got = s3_authorization(&what, &keys);
    AUTO(str)
    char *want =
        mem_printf("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/"
                   "aws4_request,SignedHeaders=%s,Signature=%s",
                   signatures[_i].names, signatures[_i].signature);
    ck_assert_msg(strcmp(got, want) == 0, "%s: %s", signatures[_i].name, got);
}
END_TEST

static const struct {
    const char *text;
    bool slashes;
    const char *want;
} escapes[] = {{"a/b c", true, "a/b%20c"},
               {"a/b", false, "a%2Fb"},
               {"~-._", true, "~-._"},
               {"\xc3\xa4", true, "%C3%A4"},
               {"a+b=c&d", true, "a%2Bb%3Dc%26d"}};

START_TEST(escape)
{
    AUTO(str) char *got = s3_escape(escapes[_i].text, escapes[_i].slashes);

    ck_assert_str_eq(got, escapes[_i].want);
}
END_TEST

static const struct {
    enum s3_algorithm algorithm;
    const char *name, *want;
} checksums[] = {{S3_CRC32, "CRC32", "y/Q5Jg=="},
                 {S3_CRC32C, "CRC32C", "4waSgw=="},
                 {S3_SHA1, "SHA1", "98O8HYCOBHMq32eZZczDTKeuNEE="},
                 {S3_SHA256, "SHA256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="}};

START_TEST(checksum)
{
    AUTO(str) char *got = s3_checksum(checksums[_i].algorithm, "123456789", 9);
    enum s3_algorithm a = S3_CRC32;

    ck_assert_str_eq(got, checksums[_i].want);
    ck_assert(s3_algorithm_of(checksums[_i].name, &a) && a == checksums[_i].algorithm);
}
END_TEST

START_TEST(md5)
{
    AUTO(str) char *hex = s3_md5_hex("abc", 3);
    AUTO(str) char *base64 = s3_md5_base64("abc", 3);
    enum s3_algorithm a;

    ck_assert_str_eq(hex, "900150983cd24fb0d6963f7d28e17f72");
    ck_assert_str_eq(base64, "kAFQmDzST7DWlj99KOF/cg==");
    ck_assert(!s3_algorithm_of("crc32", &a));
}
END_TEST

/* ---- XML ---- */

static int join(void *cookie, const char *path, const char *text)
{
    struct strbuf *out = cookie;

    strbuf_addf(out, "%s=%s;", path, text);
    return strcmp(path, "a/stop") == 0;
}

#define DEEP "<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>"

static const struct {
    const char *name, *xml;
    const char *want; /* NULL: refused */
} documents[] = {
    {"one element", "<a>x</a>", "a=x;"},
    {"a name space and a declaration",
     "<?xml version=\"1.0\"?><a xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><b>1</b></a>",
     "a/b=1;a=;"},
    {"escapes", "<a>&lt;&amp;&#65;</a>", "a=<&A;"},
    {"text in pieces", "<a>x<b/>y</a>", "a/b=;a=xy;"},
    {"until it is told to stop", "<a><stop/><b/>", "a/stop=;"},
    {"nothing", "", NULL},
    {"no XML", "404 page not found", NULL},
    {"not closed", "<a><b></b>", NULL},
    {"an entity of its own", "<!DOCTYPE a [<!ENTITY e \"x\">]><a>&e;</a>", NULL},
    {"a file of ours", "<!DOCTYPE a [<!ENTITY e SYSTEM \"/etc/passwd\">]><a>&e;</a>", NULL},
    {"too deep", DEEP, NULL},
};

START_TEST(document)
{
    AUTO(strbuf) struct strbuf got = {0};
    AUTO(err) struct err e = {0};
    int r = s3_xml_each(documents[_i].xml, strlen(documents[_i].xml), join, &got, &e);

    ck_assert_msg((r == 0) == (documents[_i].want != NULL), "%s: %d %s", documents[_i].name, r,
                  got.len ? got.data : "");
    if (documents[_i].want)
        ck_assert_msg(got.len && strcmp(got.data, documents[_i].want) == 0, "%s: %s",
                      documents[_i].name, got.len ? got.data : "");
    else
        ck_assert_msg(e.code == ERR_CORRUPT, "%s", documents[_i].name);
}
END_TEST

/* A long name does not leave its path. */
START_TEST(long_names)
{
    AUTO(str) char *name = mem_zalloc(400);
    AUTO(strbuf) struct strbuf got = {0};
    AUTO(err) struct err e = {0};

    memset(name, 'n', 399);
    AUTO(str) char *xml = mem_printf("<a><%s>x</%s></a>", name, name);
    ck_assert_int_lt(s3_xml_each(xml, strlen(xml), join, &got, &e), 0);
}
END_TEST

START_TEST(first_text)
{
    static const char xml[] = "<Error><Code>SlowDown</Code><Code>Other</Code></Error>";
    AUTO(str) char *code = s3_xml_text(xml, sizeof xml - 1, "Error/Code");

    ck_assert_str_eq(code, "SlowDown");
    ck_assert_ptr_null(s3_xml_text(xml, sizeof xml - 1, "Error/Message"));
}
END_TEST

int main(void)
{
    return SUITE_MAIN("s3", SUITE_CASE("sign", EACH(signature, signatures), EACH(escape, escapes)),
                      SUITE_CASE("checksum", EACH(checksum, checksums), TEST(md5)),
                      SUITE_CASE("xml", EACH(document, documents), TEST(long_names), TEST(first_text)));
}
