/* The options of `vmconform run` for outside implementations. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "components/component.h"
#include "kube/time.h"
#include "runner/case.h"
#include "runner/component_names.h"
#include "runner/external.h"

#define QUIET_MS 200
#define QUIET_MS_MAX 600000
#define LEAP_NS (30 * INT64_C(1000000000))
#define CONNECT_NS (60 * INT64_C(1000000000))
#define ADDRESS "127.0.0.1:0"
#define KUBECONFIG "vmconform.kubeconfig"

/* ---- one implementation ---- */

static int choose(struct external_options *o, const char *name, size_t len, struct err *reterr)
{
    if (o->component && (strlen(o->component) != len || strncmp(o->component, name, len) != 0)) {
        err_set(reterr, ERR_INVALID, NO_POS,
                "--implementation: '%s' is outside already, and one component can be",
                o->component);
        return -1;
    }
    free(o->component);
    o->component = mem_strndup(name, len);
    return 0;
}

/* A pod's program is started for each pod, and speaks to nobody but the object store. */
static int read_pod(struct external_options *o, const struct component *c, const char *text,
                    const char *value, struct err *reterr)
{
    if (strncmp(value, "exec:", 5) != 0 || !value[5]) {
        err_set(reterr, ERR_INVALID, NO_POS,
                "--implementation '%s': a program of a pod is builtin or exec:COMMAND", text);
        return err_hint(reterr, "docs/testing-your-datamover.md");
    }
    if (pod_programs_find(&o->pods, c))
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "--implementation '%s': there is a program for these pods already", text);
    pod_programs_add(&o->pods, c, value + 5, text);
    return 0;
}

/* NAME=builtin, NAME=external or NAME=exec:COMMAND. */
static int read_one(struct external_options *o, const char *text, struct err *reterr)
{
    const struct component *pod;
    static const char *const values[] = {"builtin", "external", "exec"};
    const char *value = strchr(text, '=');

    if (!value || value == text)
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "--implementation wants NAME=builtin, NAME=external or "
                       "NAME=exec:COMMAND, found '%s'",
                       text);
    value++;
    if (strcmp(value, "builtin") == 0)
        return 0;
    if ((pod = pod_programs_component(text, (size_t)(value - 1 - text))))
        return read_pod(o, pod, text, value, reterr);
    if (strcmp(value, "external") == 0)
        return choose(o, text, (size_t)(value - 1 - text), reterr);
    if (strncmp(value, "exec:", 5) == 0 && value[5]) {
        if (o->exec)
            return err_set(reterr, ERR_INVALID, NO_POS,
                           "--implementation '%s': --exec names a command already", text);
        o->exec = value + 5;
        return choose(o, text, (size_t)(value - 1 - text), reterr);
    }
    err_set(reterr, ERR_INVALID, NO_POS,
            "--implementation knows builtin, external and exec:COMMAND, found '%s'", value);
    return err_suggest(reterr, value, values, ARRAY_LEN(values), NULL);
}

/* ---- all ---- */

static int check_alone(const struct external_options *o, struct err *reterr)
{
    const struct {
        const char *name;
        bool given;
    } others[] = {{"--listen", o->listen != NULL},
                  {"--exec", o->exec != NULL},
                  {"--kubeconfig", o->kubeconfig != NULL},
                  {"--quiet-ms", o->quiet_ms.given},
                  {"--leap", o->leap_ns != 0},
                  {"--connect-timeout", o->connect_ns != 0}};

    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (!others[i].given)
            continue;
        err_set(reterr, ERR_INVALID, NO_POS, "%s is for an implementation that is outside",
                others[i].name);
        return err_hint(reterr, "--implementation NAME=external says which");
    }
    return 0;
}

static void note(struct strbuf *out, const char *option, const char *value)
{
    if (!value)
        return;
    shell_add_argument(out, option);
    shell_add_argument(out, value);
}

static void note_duration(struct strbuf *out, const char *option, int64_t ns)
{
    char text[TIME_TEXT];

    if (ns == 0)
        return;
    duration_format(ns, text);
    note(out, option, text);
}

static void note_arguments(struct external_options *o)
{
    AUTO(strbuf) struct strbuf out = {0};
    AUTO(str) char *which = mem_printf("%s=external", o->component);
    AUTO(str)
    char *quiet =
        o->quiet_ms.given ? mem_printf("%llu", (unsigned long long)o->quiet_ms.value) : NULL;

    note(&out, "--implementation", which);
    note(&out, "--listen", o->listen);
    note(&out, "--kubeconfig", o->kubeconfig);
    note(&out, "--quiet-ms", quiet);
    note_duration(&out, "--leap", o->leap_ns);
    note_duration(&out, "--connect-timeout", o->connect_ns);
    note(&out, "--exec", o->exec);
    o->arguments = strbuf_take(&out);
}

/* In the folder of the report. New. */
static char *path_beside(const char *report)
{
    const char *slash = report ? strrchr(report, '/') : NULL;

    return slash ? mem_printf("%.*s/%s", (int)(slash - report), report, KUBECONFIG)
                 : mem_strdup(KUBECONFIG);
}

static char *absolute(char *path_take)
{
    AUTO(str) char *path = path_take;
    char here[4096];

    if (*path == '/' || !getcwd(here, sizeof here))
        return TAKE(path);
    return mem_printf("%s/%s", here, path);
}

int external_read(struct external_options *o, const char *beside, struct err *reterr)
{
    for (size_t i = 0; i < o->implementations.count; i++)
        if (read_one(o, o->implementations.items[i], reterr) < 0)
            return -1;
    if (!o->component)
        return check_alone(o, reterr);
    if (option_number_check("--quiet-ms", &o->quiet_ms, 1, QUIET_MS_MAX, reterr) < 0)
        return -1;
    o->quiet_ns = (int64_t)(o->quiet_ms.given ? o->quiet_ms.value : QUIET_MS) * 1000000;
    note_arguments(o);
    if (!o->listen)
        o->listen = ADDRESS;
    if (o->leap_ns == 0)
        o->leap_ns = LEAP_NS;
    if (o->connect_ns == 0)
        o->connect_ns = CONNECT_NS;
    o->kubeconfig_path = absolute(o->kubeconfig ? mem_strdup(o->kubeconfig) : path_beside(beside));
    return 0;
}

void external_finish(struct external_options *o)
{
    option_list_finish(&o->implementations);
    if (o->listener)
        close(o->listener);
    if (o->listener && o->unix_path)
        unlink(o->unix_path);
    tls_pair_finish(&o->pair);
    tls_ca_destroy(o->ca);
    pod_programs_finish(&o->pods);
    free(o->component);
    free(o->user);
    free(o->arguments);
    free(o->address);
    free(o->unix_path);
    free(o->kubeconfig_path);
}

void external_replay(const struct external_options *o, char **replay)
{
    char *run = strstr(*replay + strlen(program_invocation_name), " run"), *text;

    if (!run)
        return;
    text = mem_printf("%.*s %s%s", (int)(run + 4 - *replay), *replay, o->arguments, run + 4);
    free(*replay);
    *replay = text;
}

/* ---- names ---- */

static bool is_pod(const char *text)
{
    return pod_programs_component(text, strcspn(text, "=")) != NULL;
}

int external_check(const struct external_options *o, const struct collection *c, struct err *reterr)
{
    for (size_t i = 0; i < o->implementations.count; i++)
        if (!is_pod(o->implementations.items[i]) &&
            component_names_check(c, o->implementations.items[i], reterr) < 0)
            return -1;
    return 0;
}
