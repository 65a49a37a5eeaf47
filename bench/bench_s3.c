/* How fast files go into an S3 server through the real host's object store, and how much memory
 * that takes: bench_s3 URL FOLDER stores every file of FOLDER in the bucket "backups", by its path.
 * Credentials as --s3 takes them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/wall.h"
#include "runner/realhost/realhost.h"
#include "runner/realhost/s3_store.h"

#define BUCKET "backups"

static uint64_t stored_bytes;

static int store_file(struct host *h, const char *path, struct err *reterr)
{
    struct host_file *f = host_file_open(h, path, HOST_READ, reterr);
    int r = f ? host_object_put_file(h, BUCKET, path + 1, f, reterr) : -1;

    return f && host_file_close(h, f, r < 0 ? NULL : reterr) < 0 ? -1 : r;
}

static int store_folder(struct host *h, const char *path, struct err *reterr)
{
    AUTO(json) json_t *names = host_list_dir(h, *path ? path : "/", reterr);
    size_t i;
    const json_t *name;

    json_array_foreach(names, i, name)
    {
        AUTO(str) char *below = mem_printf("%s/%s", path, json_string_value(name));
        struct host_stat st;

        if (host_file_stat(h, below, &st, reterr) < 0)
            return -1;
        stored_bytes += st.is_regular ? st.size : 0;
        if ((st.is_directory ? store_folder : store_file)(h, below, reterr) < 0)
            return -1;
    }
    return names ? 0 : -1;
}

static int store_all(struct host *h, const json_t *config, struct err *reterr)
{
    (void)config;
    return store_folder(h, "", reterr);
}

int main(int argc, char **argv)
{
    AUTO(s3_place) struct s3_place place = {0};
    AUTO(err) struct err e = {0};
    const struct component c = {.name = "bench", .kind = COMPONENT_POD, .run = store_all};
    struct rusage usage;

    json_init();
    if (argc != 3 || s3_place_read(&(struct s3_options){.url = argv[1]}, &place, &e) < 0) {
        fprintf(stderr, "usage: bench_s3 URL FOLDER; %s\n", e.msg ? e.msg : "");
        return 2;
    }
    const struct realhost_config config = {.seed = 1, .root = argv[2], .s3 = &place};
    AUTO(realhost) struct realhost *r = realhost_create(&config, &e);
    int64_t begun = wall_monotonic_ns();
    if (!r || realhost_run(r, &c, NULL, &e) < 0) {
        fprintf(stderr, "bench_s3: %s\n", e.msg);
        return 1;
    }
    double seconds = (double)(wall_monotonic_ns() - begun) / 1e9;
    getrusage(RUSAGE_SELF, &usage);
    printf("up: %" PRIu64 " MiB in %.1f s, %.0f MiB/s, %ld MiB of memory\n", stored_bytes >> 20,
           seconds, (double)(stored_bytes >> 20) / seconds, usage.ru_maxrss >> 10);
    return 0;
}
