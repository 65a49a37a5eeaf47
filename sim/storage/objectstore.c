#include "sim/storage/objectstore.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "base/order.h"
#include "base/strmap.h"
#include "sched/trace.h"

#define PART "objectstore"

struct object {
    char *data; /* NULL when a file backs it */
    size_t len;
    char *path;
    uint64_t version;
};

struct objectstore {
    struct strmap *objects; /* "bucket/key" */
    uint64_t version;       /* the last one given */
};

static void object_free(void *object)
{
    struct object *o = object;
    if (!o)
        return;
    free(o->data);
    free(o->path);
    free(o);
}

static void objectstore_destroy(void *part)
{
    struct objectstore *o = part;
    strmap_destroy(o->objects, object_free);
    free(o);
}

struct objectstore *objectstore_of(struct world *w)
{
    struct objectstore *o = world_part(w, PART);
    if (!o) {
        o = mem_zalloc(sizeof *o);
        o->objects = strmap_create();
        world_attach(w, PART, o, objectstore_destroy);
    }
    return o;
}

/* ---- direct access ---- */

/* Buckets are named by whoever configures a component: the length tells where the name ends. */
static char *full_key(const char *bucket, const char *key)
{
    return mem_printf("%zu/%s/%s", strlen(bucket), bucket, key);
}

static struct object *find(struct objectstore *o, const char *bucket, const char *key)
{
    AUTO(str) char *full = full_key(bucket, key);
    return strmap_get(o->objects, full);
}

static struct object *replace(struct objectstore *o, const char *bucket, const char *key)
{
    AUTO(str) char *full = full_key(bucket, key);
    struct object *object = mem_zalloc(sizeof *object);
    object->version = ++o->version;
    object_free(strmap_put(o->objects, full, object));
    return object;
}

void objectstore_put(struct objectstore *o, const char *bucket, const char *key, const void *data,
                     size_t len)
{
    char *copy = mem_alloc(len + 1);
    if (len)
        memcpy(copy, data, len);
    copy[len] = '\0';
    struct object *object = replace(o, bucket, key);
    object->data = copy;
    object->len = len;
}

void objectstore_put_file(struct objectstore *o, const char *bucket, const char *key,
                          const char *path)
{
    char *copy = mem_strdup(path);
    replace(o, bucket, key)->path = copy;
}

static int object_bytes(const struct object *object, uint64_t *ret)
{
    struct stat st;
    if (!object->path) {
        *ret = object->len;
        return 0;
    }
    if (stat(object->path, &st) < 0)
        return -1;
    *ret = (uint64_t)st.st_size;
    return 0;
}

bool objectstore_size(struct objectstore *o, const char *bucket, const char *key,
                      uint64_t *ret_size)
{
    const struct object *object = find(o, bucket, key);
    return object && object_bytes(object, ret_size) == 0;
}

static int read_file(const struct object *object, uint64_t offset, void *buf, size_t len,
                     size_t *ret_len, const char *key, struct err *reterr)
{
    AUTO(fd) int fd = open(object->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(reterr, errno, NO_POS, "cannot open what backs object '%s'", key);
    ssize_t n = fdio_read_at(fd, buf, len, offset);
    if (n < 0)
        return err_set_errno(reterr, errno, NO_POS, "cannot read what backs object '%s'", key);
    *ret_len = (size_t)n;
    return 0;
}

int objectstore_read(struct objectstore *o, const char *bucket, const char *key, uint64_t offset,
                     void *buf, size_t len, size_t *ret_len, struct err *reterr)
{
    const struct object *object = find(o, bucket, key);
    if (!object)
        return err_set(reterr, ERR_NOT_FOUND, NO_POS, "bucket '%s' has no object '%s'", bucket,
                       key);
    assert(!object->path != !object->data); /* bytes, or a file of them */
    if (object->path)
        return read_file(object, offset, buf, len, ret_len, key, reterr);
    size_t left = offset < object->len ? object->len - (size_t)offset : 0;
    *ret_len = left < len ? left : len;
    if (*ret_len)
        memcpy(buf, object->data + offset, *ret_len);
    return 0;
}

void objectstore_version(struct objectstore *o, const char *bucket, const char *key,
                         char ret[OBJECT_VERSION_TEXT])
{
    const struct object *object = find(o, bucket, key);
    *ret = '\0';
    if (object)
        snprintf(ret, OBJECT_VERSION_TEXT, "v%" PRIu64, object->version);
}

bool objectstore_delete(struct objectstore *o, const char *bucket, const char *key)
{
    AUTO(str) char *full = full_key(bucket, key);
    struct object *object = strmap_remove(o->objects, full);
    object_free(object);
    return object != NULL;
}

json_t *objectstore_list(struct objectstore *o, const char *bucket, const char *prefix)
{
    AUTO(str) char *start = full_key(bucket, prefix ? prefix : "");
    AUTO(str) char *all = full_key(bucket, "");
    size_t start_len = strlen(start), skip = strlen(all), count = 0, cap = 0, i = 0;
    const char **keys = NULL, *key;
    void *object;
    while (strmap_each(o->objects, &i, &key, &object)) {
        if (strncmp(key, start, start_len))
            continue;
        keys = mem_grow(keys, &cap, count + 1, sizeof *keys);
        keys[count++] = key + skip;
    }
    if (count)
        qsort(keys, count, sizeof *keys, text_order);
    json_t *list = json_array();
    for (i = 0; i < count; i++)
        json_array_append_new(list, json_string(keys[i]));
    free(keys);
    return list;
}
