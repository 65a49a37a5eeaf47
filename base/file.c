#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

int file_read(const char *path, size_t max_bytes, struct strbuf *out, struct err *reterr)
{
    struct src_pos pos = {.file = err_intern_file(path)};
    AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t begin = out->len;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return err_set_errno(reterr, errno, NO_POS, "cannot open '%s'", path);
    if (S_ISREG(st.st_mode) && (unsigned long long)st.st_size > max_bytes)
        return err_set(reterr, ERR_LIMIT, pos, "the file has %lld bytes; the limit is %zu",
                       (long long)st.st_size, max_bytes);
    for (;;) {
        char chunk[4096];
        ssize_t n = read(fd, chunk, sizeof chunk);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set_errno(reterr, errno, NO_POS, "cannot read '%s'", path);
        if (n == 0)
            return 0;
        strbuf_add(out, chunk, (size_t)n);
        if (out->len - begin > max_bytes)
            return err_set(reterr, ERR_LIMIT, pos, "the file has more bytes than the limit of %zu",
                           max_bytes);
    }
}
