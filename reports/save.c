/* The JSON report, and writing any report whole: a temporary name, synced, renamed. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fdio.h"
#include "base/json.h"
#include "base/mem.h"
#include "reports/writers.h"

void report_json(struct strbuf *out, const struct result_run *run)
{
    struct result_totals t = result_count(run);
    AUTO(json) json_t *cases = json_array();
    AUTO(json) json_t *totals = json_object();
    AUTO(json) json_t *all = NULL;

    for (size_t i = 0; i < run->count; i++)
        json_array_append_new(cases, result_case_to_json(run->cases[i]));
    for (int i = 0; i < RESULT_STATUS_COUNT; i++)
        json_object_set_new(totals, result_status_name((enum result_status)i),
                            json_integer((json_int_t)t.by_status[i]));
    all = json_pack("{s:s, s:b, s:i, s:O, s:O}", "version", run->version, "interrupted",
                    run->interrupted, "exit", result_exit_code(run), "totals", totals, "cases",
                    cases);
    json_write(out, all, JSON_INDENTED);
    strbuf_addch(out, '\n');
}

const struct report_writer report_writer_json = {"json", "write a JSON report", report_json};

void report_make_parents(const char *path)
{
    AUTO(str) char *copy = mem_strdup(path);

    for (char *p = strchr(copy + 1, '/'); *copy && p; p = strchr(p + 1, '/')) {
        *p = '\0';
        mkdir(copy, 0777);
        *p = '/';
    }
}

static int save_to(const char *path, const char *temporary, const struct strbuf *text,
                   struct err *reterr)
{
    AUTO(fd) int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

    if (fd < 0)
        return err_set_errno(reterr, errno, NO_POS, "%s", path);
    if (fdio_write(fd, strbuf_str(text), text->len) < 0 || fsync(fd) < 0 ||
        rename(temporary, path) < 0) {
        err_set_errno(reterr, errno, NO_POS, "%s", path);
        unlink(temporary);
        return -1;
    }
    return 0;
}

int report_save(const char *path, const struct strbuf *text, struct err *reterr)
{
    struct stat st;
    AUTO(str) char *temporary = mem_printf("%s.partial", path);

    report_make_parents(path);
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        AUTO(fd) int fd = open(path, O_WRONLY | O_CLOEXEC);

        /* A device or a pipe cannot be renamed onto. */
        if (fd < 0 || fdio_write(fd, strbuf_str(text), text->len) < 0)
            return err_set_errno(reterr, errno, NO_POS, "%s", path);
        return 0;
    }
    return save_to(path, temporary, text, reterr);
}
