/* The engine that runs qemu-img: info, check, rebase, convert (datamover.md 5.5). Success of `info`
 * and `convert` proves nothing (qcow2.md 12). */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/bsl/failure.h"
#include "components/kubevirt-datamover/download.h"
#include "kube/time.h"

#define ACCEPT_OK 1u
#define ACCEPT_LEAKS (1u << 3)

#define ARGS_MAX 20
#define OUTPUT_MAX (1u << 20)
#define DEADLINE_NS (INT64_C(3600) * NS_PER_S)
#define TEXT_MAX 400
/* Descriptors beyond one per layer. */
#define FILES_SPARE 64

/* The last of what a program said on one line: names from images may hold anything. New. */
static char *one_line(const char *text)
{
    size_t len = strlen(text);
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == ' '))
        len--;
    size_t from = len > TEXT_MAX ? len - TEXT_MAX : 0;
    char *line = mem_strndup(text + from, len - from);
    for (char *p = line; *p; p++)
        if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
            *p = ' ';
    return line;
}

static bool is_no_space(const char *text)
{
    return strstr(text, "No space left on device") || strstr(text, "Could not preallocate");
}

static int judge(const struct host_program_result *r, const char *tag, unsigned accept,
                 const char *subcommand, struct err *reterr)
{
    if (r->exit_code >= 0 && r->exit_code < 32 && (accept >> r->exit_code & 1))
        return 0;
    AUTO(str) char *said = one_line(r->err ? r->err : "");
    if (r->signal)
        return failure_set(reterr, ERR_IO, tag, "qemu-img %s was ended by signal %d", subcommand,
                           r->signal);
    if (is_no_space(said))
        return failure_set(reterr, ERR_NO_SPACE, FAILURE_NO_SPACE, "qemu-img %s: %s", subcommand,
                           said);
    return failure_set(reterr, ERR_CORRUPT, tag, "qemu-img %s ended with %d: %s", subcommand,
                       r->exit_code, said);
}

/* Runs `qemu-img ARGV...` in the scratch folder. accept: bit n allows exit status n. ret_out (may
 * be NULL): what it printed, new. */
static int run(struct download *d, const char *tag, unsigned accept, const char *const *argv,
               char **ret_out, struct err *reterr)
{
    const char *full[ARGS_MAX] = {"qemu-img"};
    for (size_t i = 0; argv[i] && i + 2 < ARGS_MAX; i++)
        full[i + 1] = argv[i];
    struct host_program program = {.argv = full,
                                   .dir = d->scratch,
                                   .stdout_max = OUTPUT_MAX,
                                   .deadline_ns = DEADLINE_NS,
                                   .files_max = (unsigned)d->chain.count + FILES_SPARE};
    AUTO(program_result) struct host_program_result result = {0};
    AUTO(err) struct err e = {0};
    if (host_program_run(d->h, &program, &result, &e) < 0) {
        failure_wrap(&e, tag, "cannot run qemu-img %s", argv[0]);
        return err_move(reterr, &e);
    }
    if (judge(&result, tag, accept, argv[0], reterr) < 0)
        return -1;
    if (ret_out)
        *ret_out = TAKE(result.out);
    return 0;
}

/* A relative name with a colon in it is taken for a protocol. New. */
static char *image_arg(const char *name)
{
    return strchr(name, ':') ? mem_printf("./%s", name) : mem_strdup(name);
}

static void take_facts(const json_t *info, struct image_facts *ret)
{
    const json_t *data = json_at(info, "format-specific", "data", NULL);
    *ret =
        (struct image_facts){.size = json_int(info, "virtual-size", -1),
                             .has_backing = json_object_get(info, "backing-filename") != NULL,
                             .has_data_file = json_object_get(data, "data-file") != NULL,
                             .encrypted = json_is_true(json_object_get(info, "encrypted")) ||
                                          json_object_get(data, "encrypt"),
                             .corrupt = json_bool(data, "corrupt", false),
                             .version_2 = strcmp(json_str_or_empty(data, "compat"), "0.10") == 0};
}

static int look(struct download *d, size_t i, struct image_facts *ret, struct err *reterr)
{
    AUTO(str) char *arg = image_arg(d->names[i]);
    const char *argv[] = {"info", "-f", "qcow2", "--output=json", arg, NULL};
    AUTO(str) char *text = NULL;
    if (run(d, "E-QCOW", ACCEPT_OK, argv, &text, reterr) < 0)
        return -1;
    AUTO(err) struct err e = {0};
    AUTO(json) json_t *info = json_read(text, strlen(text), NULL, &e);
    if (!info)
        return failure_set(reterr, ERR_CORRUPT, "E-QCOW", "qemu-img info of '%s' gave no JSON: %s",
                           d->names[i], e.msg);
    take_facts(info, ret);
    return 0;
}

/* The name of the parent that is recorded in the image must not be followed: it is the path of a
 * disk of long ago at best. "backing": null says so, and -f that nothing is probed. */
static int check(struct download *d, size_t i, struct err *reterr)
{
    AUTO(str) char *file = image_arg(d->names[i]);
    AUTO(json)
    json_t *graph =
        json_pack("{s:{s:s, s:s}, s:n}", "file", "driver", "file", "filename", file, "backing");
    AUTO(str) char *text = json_text(graph);
    AUTO(str) char *arg = mem_printf("json:%s", text);
    const char *argv[] = {"check", "-f", "qcow2", "--output=json", arg, NULL};
    return run(d, "E-QCOW", ACCEPT_OK | ACCEPT_LEAKS, argv, NULL, reterr);
}

/* Each one onto the one before it. -u: the increments stand alone, a safe rebase would write zeros
 * into them; and what they record as their parent is never opened. */
static int rebase(struct download *d, struct err *reterr)
{
    for (size_t i = 1; i < d->name_count; i++) {
        AUTO(str) char *parent = image_arg(d->names[i - 1]);
        AUTO(str) char *image = image_arg(d->names[i]);
        const char *argv[] = {"rebase", "-u", "-f",   "qcow2", "-F",
                              "qcow2",  "-b", parent, image,   NULL};
        if (run(d, "E-REBASE", ACCEPT_OK, argv, NULL, reterr) < 0)
            return -1;
    }
    return 0;
}

static int convert(struct download *d, const char *path, bool in_place, struct err *reterr)
{
    AUTO(str) char *top = image_arg(d->names[d->name_count - 1]);
    size_t folder = (size_t)(strrchr(path, '/') - path);
    /* Bare names below the working directory where possible: mounts differ between hosts. */
    bool below = strlen(d->scratch) == folder && strncmp(path, d->scratch, folder) == 0;
    AUTO(str) char *out = below ? image_arg(path + folder + 1) : mem_strdup(path);
    const char *argv[] = {"convert", "-f", "qcow2", "-O", "raw", top, out, NULL};
    const char *argv_device[] = {"convert", "-n", "-f", "qcow2", "-O", "raw", top, out, NULL};
    return run(d, "E-CONVERT", ACCEPT_OK, in_place ? argv_device : argv, NULL, reterr);
}

const struct engine engine_qemu_img = {
    .name = "qemu-img", .look = look, .check = check, .link = rebase, .convert = convert};
