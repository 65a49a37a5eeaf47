/* Pods whose program we know: the kubelet of the world runs them as components with a host of their
 * own. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/component.h"
#include "runner/casework.h"
#include "runner/pod_programs.h"
#include "runner/simhost.h"
#include "runner/stage.h"
#include "sim/kubelet/kubelet.h"

static const json_t *first_container(const json_t *pod)
{
    return json_array_get(json_path(pod, "spec.containers"), 0);
}

/* command and args in a row. New array. */
static json_t *command_line(const json_t *container)
{
    json_t *all = json_array();

    json_array_extend(all, json_object_get(container, "command"));
    json_array_extend(all, json_object_get(container, "args"));
    return all;
}

/* The image without its tag. */
static bool image_fits(const char *image, const char *want)
{
    size_t len = strlen(want);
    const char *base = strrchr(image, '/');

    base = base ? base + 1 : image;
    return (strncmp(image, want, len) == 0 && (image[len] == ':' || image[len] == '\0')) ||
           (strncmp(base, want, len) == 0 && (base[len] == ':' || base[len] == '\0'));
}

static const struct component *program_of(const json_t *pod)
{
    const json_t *container = first_container(pod);
    AUTO(json) json_t *line = command_line(container);
    const char *arg = json_string_value(json_array_get(line, 1));

    for (const struct component *const *c = component_all(); *c; c++) {
        if ((*c)->kind != COMPONENT_POD ||
            !image_fits(json_str_or_empty(container, "image"), (*c)->image))
            continue;
        if (!(*c)->pod_arg || (arg && strcmp(arg, (*c)->pod_arg) == 0))
            return *c;
    }
    return NULL;
}

static bool matches(void *cookie, const json_t *pod)
{
    (void)cookie;
    return program_of(pod) != NULL;
}

static json_t *pod_config(const json_t *pod)
{
    const json_t *container = first_container(pod);
    json_t *env = json_object(), *item;
    size_t i;

    json_array_foreach(json_object_get(container, "env"), i, item) json_object_set_new(
        env, json_str_or_empty(item, "name"), json_string(json_str_or_empty(item, "value")));
    return json_pack("{s:o, s:o}", "args", command_line(container), "env", env);
}

static void run_other(struct casework *cw, const struct pod_program *program,
                      const struct pod_run *run, struct host *host, const json_t *config,
                      struct pod_exit *ret)
{
    const char *policy = json_str_or_empty(first_container(run->pod), "terminationMessagePolicy");
    const struct pod_start start = {.h = host,
                                    .world = cw->world,
                                    .run = run,
                                    .env = json_object_get(config, "env"),
                                    .dir = world_dir(cw->world),
                                    .message_from_output =
                                        strcmp(policy, "FallbackToLogsOnError") == 0};

    cw->result->observed = true; /* what it does, another run may not */
    pod_program_run(cw->options->pods, program, &start, ret);
}

static void run_pod(void *cookie, const struct pod_run *run, struct pod_exit *ret)
{
    struct casework *cw = cookie;
    const struct component *c = program_of(run->pod);
    AUTO(json) json_t *told = pod_config(run->pod);
    AUTO(json) json_t *config = component_config(cw, c, told);
    struct host *host =
        simhost_create(cw->world, run->process, c->user, run->mounts, run->mount_count);
    struct err err = {0};
    const char *policy = json_str_or_empty(first_container(run->pod), "terminationMessagePolicy");
    const struct pod_program *other = pod_programs_find(cw->options->pods, c);

    if (other) {
        run_other(cw, other, run, host, config, ret);
        simhost_release(host);
        return;
    }
    simhost_record_programs(host, cw->history.programs);
    ret->code = component_run(cw, c, host, config, &err) < 0 ? 1 : 0;
    if (ret->code && err.msg && strcmp(policy, "FallbackToLogsOnError") == 0)
        ret->message = mem_strdup(err.msg);
    err_clear(&err);
    simhost_release(host);
}

void stage_pods(struct casework *cw)
{
    kubelet_set_program(cw->world, matches, run_pod, cw);
}
