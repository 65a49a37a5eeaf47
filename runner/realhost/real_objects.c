/* The object store of the real host: calls go to the store that it has. */
#include "runner/realhost/realhost_priv.h"

static const struct object_ops *ops_of(struct host *h)
{
    return realhost_of(h)->object_ops;
}

int real_object_get(struct host *h, const char *bucket, const char *key, size_t max_bytes,
                    char **ret_data, size_t *ret_len, struct host_version *ret_version,
                    struct err *reterr)
{
    return ops_of(h)->get(h, bucket, key, max_bytes, ret_data, ret_len, ret_version, reterr);
}

int real_object_size(struct host *h, const char *bucket, const char *key, uint64_t *ret,
                     struct err *reterr)
{
    return ops_of(h)->size(h, bucket, key, ret, reterr);
}

int real_object_read(struct host *h, const char *bucket, const char *key, uint64_t offset,
                     void *buf, size_t len, size_t *ret_len, struct err *reterr)
{
    return ops_of(h)->read(h, bucket, key, offset, buf, len, ret_len, reterr);
}

int real_object_put(struct host *h, const char *bucket, const char *key, const void *data,
                    size_t len, const struct host_version *only_if, struct err *reterr)
{
    return ops_of(h)->put(h, bucket, key, data, len, only_if, reterr);
}

int real_object_put_file(struct host *h, const char *bucket, const char *key, struct host_file *f,
                         struct err *reterr)
{
    return ops_of(h)->put_file(h, bucket, key, f, reterr);
}

int real_object_delete(struct host *h, const char *bucket, const char *key,
                       const struct host_version *only_if, struct err *reterr)
{
    return ops_of(h)->del(h, bucket, key, only_if, reterr);
}

json_t *real_object_list(struct host *h, const char *bucket, const char *prefix, struct err *reterr)
{
    return ops_of(h)->list(h, bucket, prefix, reterr);
}
