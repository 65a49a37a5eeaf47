#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/unit/sim_storage/stage.h"
#include "tests/unit/suite.h"

static struct world *make_world(void)
{
    struct world_config config = {.seed = 1, .trace = true};
    return world_create(&config);
}

START_TEST(direct)
{
    AUTO(world) struct world *w = make_world();
    struct objectstore *o = objectstore_of(w);
    objectstore_put(o, "b", "z/2", "two", 3);
    objectstore_put(o, "b", "a", "", 0);
    objectstore_put(o, "b", "z/1", "one", 3);
    objectstore_put(o, "other", "z/1", "far", 3);
    objectstore_put(o, "b", "z/1", "uno", 3);

    AUTO(json) json_t *all = objectstore_list(o, "b", "");
    AUTO(str) char *text = json_text(all);
    ck_assert_str_eq(text, "[\"a\",\"z/1\",\"z/2\"]");
    AUTO(json) json_t *some = objectstore_list(o, "b", "z/");
    ck_assert_uint_eq(json_array_size(some), 2);

    char buf[8] = "";
    size_t len = 9;
    uint64_t size = 9;
    ck_assert(objectstore_size(o, "b", "z/1", &size));
    ck_assert_uint_eq(size, 3);
    ck_assert_int_eq(objectstore_read(o, "b", "z/1", 1, buf, sizeof buf, &len, NULL), 0);
    ck_assert_uint_eq(len, 2);
    ck_assert_mem_eq(buf, "no", 2);
    ck_assert_int_eq(objectstore_read(o, "b", "z/1", 7, buf, sizeof buf, &len, NULL), 0);
    ck_assert_uint_eq(len, 0);
    ck_assert(objectstore_delete(o, "b", "a"));
    ck_assert(!objectstore_delete(o, "b", "a"));
    AUTO(err) struct err err = {0};
    ck_assert_int_eq(objectstore_read(o, "b", "a", 0, buf, 1, &len, &err), -1);
    ck_assert_int_eq(err.code, ERR_NOT_FOUND);
}
END_TEST

/* Nobody checks how a component's bucket is called. */
START_TEST(odd_buckets)
{
    AUTO(world) struct world *w = make_world();
    struct objectstore *o = objectstore_of(w);
    uint64_t size;
    objectstore_put(o, "a/b", "c", "1", 1);
    objectstore_put(o, "", "a/b/c", "22", 2);
    ck_assert(!objectstore_size(o, "a", "b/c", &size));
    ck_assert(objectstore_size(o, "a/b", "c", &size) && size == 1);
    ck_assert(objectstore_size(o, "", "a/b/c", &size) && size == 2);
    AUTO(json) json_t *keys = objectstore_list(o, "a/b", "");
    AUTO(str) char *text = json_text(keys);
    ck_assert_str_eq(text, "[\"c\"]");
}
END_TEST

START_TEST(file_backed)
{
    AUTO(world) struct world *w = make_world();
    struct objectstore *o = objectstore_of(w);
    char path[] = "/tmp/vmconform-object-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "0123456789", 10), 10);
    close(fd);
    objectstore_put_file(o, "b", "k", path);
    char buf[4];
    size_t len;
    uint64_t size;
    ck_assert(objectstore_size(o, "b", "k", &size));
    ck_assert_uint_eq(size, 10);
    ck_assert_int_eq(objectstore_read(o, "b", "k", 8, buf, 4, &len, NULL), 0);
    ck_assert_uint_eq(len, 2);
    ck_assert_mem_eq(buf, "89", 2);
    unlink(path);
    ck_assert(!objectstore_size(o, "b", "k", &size));
}
END_TEST

/* ---- as a client sees it ---- */

static const struct fault_row {
    const char *name, *rule; /* rule NULL: no fault */
    const char *want;        /* what a get of "hello" gives, or NULL */
    enum err_code code;
} faults[] = {
    {"no fault", NULL, "hello", ERR_NONE},
    {"missing", "{'point': 'store', 'action': {'answer': 404}}", NULL, ERR_NOT_FOUND},
    {"server error", "{'point': 'store', 'match': {'op': 'get'}, 'action': {'answer': 503}}", NULL,
     ERR_IO},
    {"another key", "{'point': 'store', 'match': {'key': 'x*'}, 'action': {'answer': 503}}",
     "hello", ERR_NONE},
    {"truncated", "{'point': 'store', 'action': {'answer': 'truncated', 'bytes': 2}}", "he",
     ERR_NONE},
    {"corrupt", "{'point': 'store', 'action': {'answer': 'corrupt', 'bytes': 1}}", "h\x9allo",
     ERR_NONE},
};

struct client {
    struct world *world;
    char *data;
    size_t len;
    struct err err;
    int rc;
};

static void get_hello(void *arg)
{
    struct client *c = arg;
    c->rc = sim_object_get(c->world, "b", "hello", 100, &c->data, &c->len, NULL, &c->err);
}

START_TEST(client_reads)
{
    const struct fault_row *row = &faults[_i];
    AUTO(world) struct world *w = make_world();
    objectstore_put(objectstore_of(w), "b", "hello", "hello", 5);
    if (row->rule) {
        AUTO(json) json_t *rule = stage_json(row->rule);
        AUTO(err) struct err err = {0};
        ck_assert_msg(fault_add(world_faults(w), rule, &err) > 0, "%s: %s", row->name, err.msg);
    }
    struct client c = {.world = w};
    actor_spawn(process_create(world_sched(w), "client"), "client", get_hello, &c);
    ck_assert_int_eq(sched_run(world_sched(w), SCHED_NEVER), SCHED_STOP_IDLE);
    ck_assert_msg((c.rc == 0) == (row->want != NULL), "%s: %s", row->name, c.err.msg);
    ck_assert_msg(c.err.code == row->code, "%s: code %d", row->name, (int)c.err.code);
    if (row->want) {
        ck_assert_msg(c.len == strlen(row->want) && !memcmp(c.data, row->want, c.len), "%s: %s",
                      row->name, c.data);
        ck_assert(strstr(strbuf_str(trace_text(world_trace(w))), "\"ev\":\"object\""));
    }
    err_clear(&c.err);
    free(c.data);
}
END_TEST

static const struct condition_row {
    const char *name, *only_if;
    enum err_code code;
} conditions[] = {
    {"none", NULL, ERR_NONE},
    {"absent, and it is there", "", ERR_CONFLICT},
    {"the state that it has", "v2", ERR_NONE},
    {"an earlier state", "v1", ERR_CONFLICT},
};

/* The first write of a key is v1, its second v2. */
START_TEST(conditional_writes)
{
    const struct condition_row *row = &conditions[_i];
    AUTO(world) struct world *w = make_world();
    AUTO(str) char *data = NULL;
    char version[OBJECT_VERSION_TEXT];
    struct err e = {0};
    size_t len;
    ck_assert_int_eq(sim_object_put(w, "b", "k", "1", 1, "", NULL), 0);
    ck_assert_int_eq(sim_object_put(w, "b", "k", "2", 1, NULL, NULL), 0);
    ck_assert_int_eq(sim_object_get(w, "b", "k", 9, &data, &len, version, NULL), 0);
    ck_assert_str_eq(version, "v2");
    sim_object_put(w, "b", "k", "3", 1, row->only_if, &e);
    ck_assert_msg(e.code == row->code, "put, %s: %d", row->name, e.code);
    err_clear(&e);
    objectstore_version(objectstore_of(w), "b", "k", version);
    sim_object_delete(w, "b", "k", row->code ? row->only_if : version, &e);
    ck_assert_msg(e.code == row->code, "delete, %s: %d", row->name, e.code);
    err_clear(&e);
}
END_TEST

static void put_hello(void *arg)
{
    struct client *c = arg;
    c->rc = sim_object_put(c->world, "b", "hello", "hello", 5, NULL, &c->err);
}

struct trap {
    enum request_moment moment;
    struct process *process;
};

static void crash_there(void *cookie, enum request_moment moment, const struct effect_info *info)
{
    struct trap *trap = cookie;
    ck_assert_int_eq(info->kind, EFFECT_OBJECT_PUT);
    if (moment == trap->moment)
        process_crash(trap->process);
}

static const struct crash_row {
    const char *name;
    enum request_moment moment;
    bool stored;
} crashes[] = {
    {"before", REQUEST_BEFORE, false},
    {"committed", REQUEST_COMMITTED, true},
    {"after", REQUEST_AFTER, true},
};

START_TEST(crash_at_put)
{
    const struct crash_row *row = &crashes[_i];
    AUTO(world) struct world *w = make_world();
    struct client c = {.world = w};
    struct trap trap = {row->moment, process_create(world_sched(w), "client")};
    uint64_t size;
    world_on_effect(w, crash_there, &trap);
    actor_spawn(trap.process, "client", put_hello, &c);
    sched_run(world_sched(w), SCHED_NEVER);
    ck_assert_msg(c.rc < 0 && c.err.code == ERR_CRASHED, "%s: %d", row->name, c.rc);
    ck_assert_msg(objectstore_size(objectstore_of(w), "b", "hello", &size) == row->stored, "%s",
                  row->name);
    err_clear(&c.err);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("sim.storage.objectstore",
                      SUITE_CASE("objectstore", TEST(direct), TEST(odd_buckets), TEST(file_backed),
                                 EACH(client_reads, faults), EACH(conditional_writes, conditions),
                                 EACH(crash_at_put, crashes)));
}
