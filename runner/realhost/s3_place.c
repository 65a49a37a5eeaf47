/* Where an S3 store is, and who asks: options, the file of credentials, the environment. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "runner/realhost/s3_store.h"

#define FILE_MAX ((size_t)64 << 10)
#define CUSTOMER_KEY 32u
#define DEFAULT_REGION "us-east-1"
#define PROFILE "[default]"

void s3_place_finish(struct s3_place *p)
{
    if (p->secret)
        explicit_bzero(p->secret, strlen(p->secret));
    if (p->customer_key)
        explicit_bzero(p->customer_key, strlen(p->customer_key));
    free(p->url);
    free(p->region);
    free(p->access);
    free(p->secret);
    free(p->token);
    free(p->ca_file);
    free(p->customer_key);
    free(p->customer_key_md5);
    *p = (struct s3_place){0};
}

/* New, NUL-terminated. */
static char *read_whole(const char *path, size_t *ret_len, struct err *reterr)
{
    AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    AUTO(str) char *text = mem_zalloc(FILE_MAX + 1);
    ssize_t n = fd < 0 ? -1 : fdio_read(fd, text, FILE_MAX + 1);

    if (n < 0) {
        err_set_errno(reterr, errno, NO_POS, "%s", path);
        return NULL;
    }
    if ((size_t)n > FILE_MAX) {
        err_set(reterr, ERR_LIMIT, NO_POS, "%s has more than %zu bytes", path, FILE_MAX);
        return NULL;
    }
    text[n] = '\0';
    *ret_len = (size_t)n;
    return TAKE(text);
}

/* ---- credentials ---- */

static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t len = strlen(text);
    while (len && isspace((unsigned char)text[len - 1]))
        text[--len] = '\0';
    return text;
}

static void take_setting(struct s3_place *p, char *line)
{
    char *equals = strchr(line, '=');
    char **slot = NULL;

    if (!equals)
        return;
    *equals = '\0';
    const char *name = trim(line), *value = trim(equals + 1);
    if (strcmp(name, "aws_access_key_id") == 0)
        slot = &p->access;
    else if (strcmp(name, "aws_secret_access_key") == 0)
        slot = &p->secret;
    else if (strcmp(name, "aws_session_token") == 0)
        slot = &p->token;
    if (!slot)
        return;
    free(*slot);
    *slot = mem_strdup(value);
}

static int read_credentials(const char *path, struct s3_place *p, struct err *reterr)
{
    size_t len = 0;
    char *text = read_whole(path, &len, reterr);
    bool ours = false;

    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        line = trim(line);
        if (*line == '[')
            ours = strcmp(line, PROFILE) == 0;
        else if (ours && *line != '#' && *line != ';')
            take_setting(p, line);
    }
    if (text)
        explicit_bzero(text, len);
    free(text);
    return text ? 0 : -1;
}

static char *from_environment(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? mem_strdup(value) : NULL;
}

static int find_credentials(const struct s3_options *o, struct s3_place *p, struct err *reterr)
{
    if (o->credentials) {
        if (read_credentials(o->credentials, p, reterr) < 0)
            return -1;
        if (p->access && p->secret)
            return 0;
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "%s: the profile 'default' has no aws_access_key_id and "
                       "aws_secret_access_key",
                       o->credentials);
    }
    p->access = from_environment("AWS_ACCESS_KEY_ID");
    p->secret = from_environment("AWS_SECRET_ACCESS_KEY");
    p->token = from_environment("AWS_SESSION_TOKEN");
    if (p->access && p->secret)
        return 0;
    err_set(reterr, ERR_INVALID, NO_POS, "the object store's credentials are not given");
    return err_hint(reterr,
                    "--s3-credentials FILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
}

/* ---- the rest ---- */

static int take_url(const struct s3_options *o, struct s3_place *p, struct err *reterr)
{
    const char *host = strstr(o->url, "://");
    size_t len = strlen(o->url);
    bool known = strncmp(o->url, "http://", 7) == 0 || strncmp(o->url, "https://", 8) == 0;

    while (len && o->url[len - 1] == '/')
        len--;
    p->url = mem_strndup(o->url, len);
    if (known && host && host[3] && !strpbrk(p->url + (host - o->url) + 3, "/?#@ \t"))
        return 0;
    return err_set(reterr, ERR_INVALID, NO_POS,
                   "--s3 wants http://HOST[:PORT] or https://HOST[:PORT], found '%s'", o->url);
}

/* Exactly so many bytes; a line's end behind them is not one of them (design of SSE-C secrets). */
static int take_customer_key(const char *path, struct s3_place *p, struct err *reterr)
{
    size_t len = 0;
    AUTO(str) char *key = read_whole(path, &len, reterr);

    if (!key)
        return -1;
    while (len > CUSTOMER_KEY && (key[len - 1] == '\n' || key[len - 1] == '\r'))
        len--;
    if (len != CUSTOMER_KEY) {
        explicit_bzero(key, len);
        return err_set(reterr, ERR_INVALID, NO_POS, "%s: a customer's key has %u bytes, found %zu",
                       path, CUSTOMER_KEY, len);
    }
    p->customer_key = s3_base64(key, len);
    p->customer_key_md5 = s3_md5_base64(key, len);
    explicit_bzero(key, len);
    return 0;
}

static int take_checksum(const char *name, struct s3_place *p, struct err *reterr)
{
    p->checks = true;
    if (s3_algorithm_of(name, &p->algorithm))
        return 0;
    return err_set(reterr, ERR_INVALID, NO_POS,
                   "--s3-checksum is CRC32, CRC32C, SHA1 or SHA256, found '%s'", name);
}

int s3_place_read(const struct s3_options *o, struct s3_place *ret, struct err *reterr)
{
    AUTO(s3_place)
    struct s3_place p = {.virtual_hosts = o->virtual_hosts,
                         .insecure = o->insecure,
                         .region = mem_strdup(o->region ? o->region : DEFAULT_REGION),
                         .ca_file = o->ca_file ? mem_strdup(o->ca_file) : NULL};

    if (take_url(o, &p, reterr) < 0 || find_credentials(o, &p, reterr) < 0 ||
        (o->customer_key_file && take_customer_key(o->customer_key_file, &p, reterr) < 0) ||
        take_checksum(o->checksum ? o->checksum : "CRC32C", &p, reterr) < 0)
        return -1;
    *ret = p;
    p = (struct s3_place){0};
    return 0;
}
