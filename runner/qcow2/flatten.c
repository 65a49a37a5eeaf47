/* vmconform qcow2 flatten: a chain as one raw disk. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "qcow2/flatten.h"
#include "runner/commands.h"
#include "runner/qcow2/command.h"
#include "runner/qcow2/layers.h"

static const char usage_text[] =
    "usage: vmconform qcow2 flatten [OPTIONS] -o OUT LAYER...\n"
    "       vmconform qcow2 flatten [OPTIONS] -o OUT --manifest FILE [--disk NAME]\n\n"
    "Writes what a chain reads as into OUT: a file, which appears under its name when it is "
    "complete (an older\none is replaced then); a block device; '-' for standard output. Layers "
    "are "
    "named oldest first.\nWhen it succeeds, the data have reached the disk.\n\n"
    "exit status: 0 written; 1 the chain is refused, or what was written reads back wrong; 2 usage "
    "or I/O\n";

struct flatten {
    bool in_place, no_sync, json, help;
    const char *out, *tail;
    struct option_number threads;
    struct qcow2_flatten_options options;
    struct progress_options progress;
};

/* ---- the target ---- */

static int open_existing(const struct flatten *f, const struct layers *l, const struct stat *st,
                         struct qcow2_sink **ret)
{
    unsigned flags = f->no_sync ? QCOW2_SINK_NO_SYNC : 0;
    struct qcow2_fault fault = {0};

    if (S_ISLNK(st->st_mode))
        return command_mistake("links are not followed; name the file that it points at",
                               "the target '%s' is a symbolic link", f->out);
    if (!S_ISREG(st->st_mode) && !S_ISBLK(st->st_mode))
        return command_mistake("'-o -' writes to standard output",
                               "the target '%s' is neither a regular file nor a block device",
                               f->out);
    if (layers_hold(l, st))
        return command_mistake(NULL, "the target '%s' is one of the layers", f->out);
    *ret = f->in_place || S_ISBLK(st->st_mode) ? qcow2_sink_in_place(f->out, flags, &fault)
                                               : qcow2_sink_file(f->out, flags, &fault);
    return *ret ? -1 : command_refusal(f->json, &f->out, 1, &fault);
}

static int open_stream(const struct flatten *f, struct qcow2_sink **ret)
{
    if (isatty(STDOUT_FILENO))
        return command_mistake("send it to a file or a pipe",
                               "a disk is not written to a terminal");
    if (f->in_place || f->options.verify || f->json)
        return command_mistake(NULL, "--in-place, --verify and --json do not go with '-o -'");
    *ret = qcow2_sink_stream(STDOUT_FILENO, "standard output");
    return -1;
}

/* Returns -1: *ret is the target; else the exit status. */
static int open_target(const struct flatten *f, const struct layers *l, struct qcow2_sink **ret)
{
    struct qcow2_fault fault = {0};
    struct stat st;

    if (strcmp(f->out, "-") == 0)
        return open_stream(f, ret);
    if (lstat(f->out, &st) == 0)
        return open_existing(f, l, &st, ret);
    if (errno != ENOENT || f->in_place) {
        qcow2_fault_errno(&fault, errno, f->out,
                          f->in_place ? "--in-place wants a file that exists"
                                      : "cannot look at the target");
        return command_refusal(f->json, &f->out, 1, &fault);
    }
    *ret = qcow2_sink_file(f->out, f->no_sync ? QCOW2_SINK_NO_SYNC : 0, &fault);
    return *ret ? -1 : command_refusal(f->json, &f->out, 1, &fault);
}

/* ---- what was done ---- */

static void show_json(const struct flatten *f, const struct qcow2_flatten_stats *s)
{
    print_json_take(json_pack("{s:o, s:o, s:o, s:o, s:o, s:b}", "target",
                              json_name(f->out, strlen(f->out)), "bytes-total",
                              json_u64(s->bytes_total), "bytes-copied", json_u64(s->bytes_copied),
                              "bytes-zero", json_u64(s->bytes_zero), "tail-bytes",
                              json_u64(s->tail_bytes), "verified", f->options.verify));
}

static void show_text(const struct flatten *f, const struct qcow2_flatten_stats *s)
{
    AUTO(str) char *name = quoted_name(f->out);
    AUTO(str) char *total = size_text(s->bytes_total);
    AUTO(str) char *copied = size_text(s->bytes_copied);
    AUTO(str) char *zero = size_text(s->bytes_zero);

    printf("%s: %s: %s copied, %s zeros%s\n", name, total, copied, zero,
           f->options.verify ? "; read back and the same" : "");
}

static void tell_tail(const struct flatten *f, const struct qcow2_flatten_stats *s)
{
    AUTO(str) char *name = quoted_name(f->out);

    if (s->tail_bytes && f->options.tail == QCOW2_TAIL_LEAVE)
        fprintf(stderr,
                "vmconform: warning: %s: %" PRIu64
                " bytes behind the end of the disk were left as they were\n",
                name, s->tail_bytes);
}

/* What goes wrong while it is written is the target's fault or that of a layer. */
static int tell_failure(const struct flatten *f, const struct layers *l, struct qcow2_fault *fault)
{
    AUTO(mem) void *memory = mem_alloc((l->count + 1) * sizeof(const char *));
    const char **files = memory;

    memcpy(files, l->names, l->count * sizeof *files);
    files[l->count] = f->out;
    return command_refusal(f->json, files, l->count + 1, fault);
}

static int write_target(struct flatten *f, const struct layers *l, struct qcow2_sink *sink)
{
    struct progress progress = progress_start(&f->progress, "flatten");
    struct qcow2_flatten_stats stats = {0};
    struct qcow2_fault fault = {0};
    int r;

    f->options.progress = progress_show;
    f->options.progress_arg = &progress;
    r = qcow2_flatten(l->chain, sink, &f->options, &stats, &fault);
    progress_end(&progress);
    if (r < 0)
        return tell_failure(f, l, &fault);
    tell_tail(f, &stats);
    if (f->json)
        show_json(f, &stats);
    else if (strcmp(f->out, "-") != 0)
        show_text(f, &stats);
    return 0;
}

static int flatten_layers(struct flatten *f, const struct layers_request *request)
{
    struct qcow2_fault fault = {0};
    AUTO(layers) struct layers layers = {0};
    AUTO(qcow2_sink) struct qcow2_sink *sink = NULL;
    int status;

    enum layers_result result = layers_open(&layers, request, &fault);
    if (result != LAYERS_OK)
        return layers_fault(result, &layers, f->json, &fault);
    status = open_target(f, &layers, &sink);
    return status >= 0 ? status : write_target(f, &layers, sink);
}

/* ---- the command line ---- */

static int check_tail(struct flatten *f, struct err *reterr)
{
    static const char *const names[] = {"zero", "leave", "refuse"};

    if (!f->tail)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(f->tail, names[i]) == 0) {
            f->options.tail = (enum qcow2_tail)i;
            return 0;
        }
    }
    err_set(reterr, ERR_INVALID, NO_POS, "--tail knows zero, leave and refuse, found '%s'",
            f->tail);
    return err_suggest(reterr, f->tail, names, ARRAY_LEN(names), NULL);
}

static int check_options(struct flatten *f)
{
    struct err e = {0};

    if (!f->out || !*f->out)
        return command_mistake("-o FILE, -o DEVICE, or -o - for standard output",
                               f->out ? "-o wants a target, found ''" : "no target was given");
    if (check_tail(f, &e) < 0 || threads_check(&f->threads, &e) < 0) {
        command_error(&e);
        return EXIT_CANNOT_TELL;
    }
    f->options.threads = f->threads.given ? (unsigned)f->threads.value : threads_default();
    return -1;
}

int qcow2_flatten_command(int argc, char **argv)
{
    struct flatten f = {0};
    struct layers_request request = {0};
    const struct option_spec specs[] = {
        {"--output", 'o', OPTION_TEXT, &f.out, "OUT", "the target; '-' is standard output"},
        {"--manifest", 0, OPTION_TEXT, &request.manifest, "FILE",
         "the layers are those of a backup, and are held against what it declares"},
        {"--disk", 0, OPTION_TEXT, &request.disk, "NAME",
         "which disk; needed when there are several"},
        {"--ignore-backing", 0, OPTION_FLAG, &request.ignore_backing, NULL,
         "the first layer may name a backing file; what it lacks is zeros"},
        {"--in-place", 0, OPTION_FLAG, &f.in_place, NULL,
         "write into the file that exists, as into a device"},
        {"--tail", 0, OPTION_TEXT, &f.tail, "zero|leave|refuse",
         "what becomes of a target's bytes behind the end (default zero)"},
        {"--allocate", 0, OPTION_FLAG, &f.options.allocate, NULL,
         "write zeros as bytes; leave no holes"},
        {"--verify", 0, OPTION_FLAG, &f.options.verify, NULL, "read the target back and compare"},
        {"--no-sync", 0, OPTION_FLAG, &f.no_sync, NULL, "do not wait for the disk"},
        {"--threads", 0, OPTION_NUMBER, &f.threads, "N", "default: 2, or 1 on one processor"},
        PROGRESS_OPTIONS(&f.progress),
        {"--json", 0, OPTION_FLAG, &f.json, NULL, "what was done, as JSON"},
        HELP_OPTION(&f.help),
        END_OF_OPTIONS,
    };
    struct operands o;
    int status = command_options(usage_text, specs, &f.help, argc, argv, &o);

    if (status < 0)
        status = check_options(&f);
    if (status < 0)
        status = layers_take_operands(&request, &o);
    return status >= 0 ? status : flatten_layers(&f, &request);
}
