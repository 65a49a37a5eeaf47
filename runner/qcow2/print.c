/* How the qcow2 subcommands talk: options, errors, names, sizes, progress. */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/commands.h"
#include "runner/qcow2/command.h"

/* ---- command lines ---- */

void command_error(struct err *e)
{
    err_print(stderr, e, NULL, 0);
    err_clear(e);
}

int command_mistake(const char *hint, const char *fmt, ...)
{
    struct err e = {0};
    va_list ap;

    va_start(ap, fmt);
    err_setv(&e, ERR_INVALID, NO_POS, fmt, ap);
    va_end(ap);
    if (hint)
        err_hint(&e, "%s", hint);
    command_error(&e);
    return EXIT_CANNOT_TELL;
}

int command_options(const char *usage, const struct option_spec *specs, const bool *help, int argc,
                    char **argv, struct operands *ret)
{
    struct err err = {0};
    int count;

    if (options_parse_split(specs, argc - 1, argv + 1, &count, &ret->split, &err) < 0) {
        if (!err.hint)
            err_hint(&err, "'vmconform qcow2 %s --help' shows the options", argv[0]);
        command_error(&err);
        return EXIT_CANNOT_TELL;
    }
    ret->items = argv + 1;
    ret->count = (size_t)count;
    if (!*help)
        return -1;
    puts(usage);
    options_help(specs);
    return 0;
}

/* ---- faults ---- */

int defect_status(enum qcow2_defect defect)
{
    switch ((unsigned)defect) {
    case QCOW2_IO:
    case QCOW2_NO_SPACE:
    case QCOW2_NOT_REGULAR:
    case QCOW2_TARGET_SMALL:
    case QCOW2_TARGET_TAIL:
    case QCOW2_USAGE:
        return EXIT_CANNOT_TELL;
    }
    return EXIT_DEFECTIVE;
}

const char *fault_code(const struct qcow2_fault *f)
{
    bool system = f->defect == QCOW2_IO || f->defect == QCOW2_NO_SPACE;

    if (!system || f->err.code == ERR_IO || f->err.code == ERR_NOT_FOUND ||
        f->err.code == ERR_NO_SPACE)
        return qcow2_defect_code(f->defect);
    return NULL;
}

char *fault_text(const struct qcow2_fault *f)
{
    const char *code = fault_code(f);

    return code ? mem_printf("%s [%s]", f->err.msg, code) : mem_strdup(f->err.msg);
}

int command_fault(struct qcow2_fault *f)
{
    AUTO(str) char *text = fault_text(f);
    int status = defect_status(f->defect);
    struct err err = {0};

    err_set(&err, f->err.code, f->err.pos, "%s", text);
    if (f->err.hint)
        err_hint(&err, "%s", f->err.hint);
    qcow2_fault_clear(f);
    command_error(&err);
    return status;
}

/* The only file, or which of several a fault's sentence begins with; NULL: none. Of two, "a" and
 * "a: b", the longer one. */
static const char *blamed_file(const struct qcow2_fault *f, const char *const *files, size_t count)
{
    const char *found = count == 1 ? files[0] : NULL;

    for (size_t i = 0; count > 1 && i < count; i++) {
        size_t len = files[i] ? strlen(files[i]) : 0;

        if (len > 0 && strncmp(f->err.msg, files[i], len) == 0 && f->err.msg[len] == ':' &&
            (!found || len > strlen(found)))
            found = files[i];
    }
    return found;
}

static json_t *text_or_null(const char *text)
{
    return text ? json_name(text, strlen(text)) : json_null();
}

int command_refusal(bool json, const char *const *files, size_t count, struct qcow2_fault *f)
{
    if (json) {
        bool placed = f->offset != QCOW2_NO_OFFSET;
        json_t *one =
            json_pack("{s:o, s:o, s:o, s:o}", "code", text_or_null(fault_code(f)), "message",
                      text_or_null(f->err.msg), "file", text_or_null(blamed_file(f, files, count)),
                      "offset", placed ? json_u64(f->offset) : json_null());

        if (f->err.hint)
            json_object_set_new(one, "hint", text_or_null(f->err.hint));
        print_json_take(json_pack("{s:o}", "error", one));
    }
    return command_fault(f);
}

/* ---- text ---- */

char *quoted(const void *text, size_t len)
{
    size_t cap = len * 4 + 8;
    char *out = mem_alloc(cap);

    return qcow2_quote(out, cap, text, len);
}

char *quoted_name(const char *name)
{
    return quoted(name, strlen(name));
}

char *size_text(uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    unsigned shift = 10;
    uint64_t whole, rest;

    if (bytes < 1024)
        return mem_printf("%" PRIu64 " bytes", bytes);
    while (shift < 60 && bytes >> shift >= 1024)
        shift += 10;
    whole = bytes >> shift;
    rest = bytes & ((UINT64_C(1) << shift) - 1);
    if (rest == 0 || whole >= 100)
        return mem_printf("%" PRIu64 " %s", whole, units[shift / 10 - 1]);
    /* Cut, not rounded: 1023.99 is not 1024. */
    return mem_printf("%" PRIu64 ".%" PRIu64 " %s", whole, (rest >> (shift - 10)) * 10 / 1024,
                      units[shift / 10 - 1]);
}

char *count_text(uint64_t n, const char *noun)
{
    return mem_printf("%" PRIu64 " %s%s", n, noun, n == 1 ? "" : "s");
}

/* NUL, DEL and the second row of controls (U+0080 to U+009F): JSON may carry them as they are, but
 * it is read on terminals too. All others are escaped by the writer. */
static bool has_bare_controls(const unsigned char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool c1 = text[i] == 0xc2 && i + 1 < len && text[i + 1] >= 0x80 && text[i + 1] < 0xa0;

        if (text[i] == 0 || text[i] == 0x7f || c1)
            return true;
    }
    return false;
}

json_t *json_name(const void *text, size_t len)
{
    json_t *v = has_bare_controls(text, len) ? NULL : json_stringn(text, len);

    if (!v) { /* or not UTF-8 */
        AUTO(str) char *shown = quoted(text, len);

        v = json_string(shown);
    }
    return v;
}

json_t *json_u64(uint64_t v)
{
    char digits[24];

    if (v <= INT64_MAX)
        return json_integer((json_int_t)v);
    snprintf(digits, sizeof digits, "%" PRIu64, v);
    return json_string(digits);
}

void print_json_take(json_t *v)
{
    AUTO(strbuf) struct strbuf text = {0};

    json_write(&text, v, JSON_INDENTED);
    puts(strbuf_str(&text));
    json_decref(v);
}

/* ---- threads, progress ---- */

unsigned threads_default(void)
{
    return sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 2 : 1;
}

#define THREADS_MAX 64u

int threads_check(const struct option_number *threads, struct err *reterr)
{
    return option_number_check("--threads", threads, 1, THREADS_MAX, reterr);
}

struct progress progress_start(const struct progress_options *o, const char *what)
{
    bool shown = o->on || (!o->off && isatty(STDERR_FILENO));

    return (struct progress){.shown = shown, .what = what};
}

void progress_show(void *arg, uint64_t done, uint64_t total)
{
    struct progress *p = arg;
    /* Nothing overflows: no disk has 2^54 bytes. */
    uint64_t tenths = total ? done / 1024 * 1000 / (total / 1024 ? total / 1024 : 1) : 1000;

    if (!p->shown || tenths + 1 == p->last)
        return;
    if (tenths > 1000)
        tenths = 1000;
    AUTO(str) char *so_far = size_text(done);
    AUTO(str) char *all = size_text(total);
    fprintf(stderr, "\r%s: %3" PRIu64 ".%" PRIu64 "%%  %s of %s\033[K", p->what, tenths / 10,
            tenths % 10, so_far, all);
    fflush(stderr);
    p->last = tenths + 1;
}

void progress_end(struct progress *p)
{
    if (p->last)
        fputs("\r\033[K", stderr);
    p->last = 0;
}
