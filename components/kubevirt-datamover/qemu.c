#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "components/bsl/failure.h"
#include "components/kubevirt-datamover/download.h"
#include "kube/time.h"

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

int download_qemu(struct download *d, const char *tag, unsigned accept, const char *const *argv,
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
