/* A volume whose bytes came from elsewhere, such as a restored disk, becomes the disk of a guest:
 * what each block holds is read from it once, so that the guest, its snapshots and its backups go
 * on from there. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/content.h"
#include "base/mem.h"
#include "sim/storage/storage_priv.h"

#define FOREIGN_VERSION 1u

/* Bytes that no rule made: told from all others, and not kept. */
static uint64_t foreign_seed(const unsigned char *bytes)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < DISK_BLOCK; i++)
        h = (h ^ bytes[i]) * UINT64_C(0x100000001b3);
    return h | 1;
}

static struct disk_content content_of(const unsigned char *bytes, uint64_t at)
{
    uint64_t seed, block;
    uint32_t version;
    if (content_is_zero(bytes, DISK_BLOCK))
        return (struct disk_content){0};
    if (content_identify(bytes, &seed, &block, &version) && block == at &&
        content_is(seed, at, version, bytes))
        return (struct disk_content){.seed = seed, .version = version};
    return (struct disk_content){.seed = foreign_seed(bytes), .version = FOREIGN_VERSION};
}

static void adopt_run(struct disk_model *d, const struct disk_run *run)
{
    if (run->content.version != CONTENT_VERSION_NEVER)
        disk_adopt(d, run->block, run->count, run->content.seed, run->content.version);
}

static void adopt_file(struct disk_model *d, int fd)
{
    unsigned char bytes[DISK_BLOCK];
    struct disk_run run = {0};
    for (uint64_t i = 0; i < disk_blocks(d); i++) {
        ssize_t n = pread(fd, bytes, sizeof bytes, (off_t)(i * DISK_BLOCK));
        struct disk_content c = {0};
        if (n <= 0)
            break;
        if (n == (ssize_t)sizeof bytes)
            c = content_of(bytes, i);
        if (c.seed == run.content.seed && c.version == run.content.version) {
            run.count++;
            continue;
        }
        adopt_run(d, &run);
        run = (struct disk_run){i, 1, c};
    }
    adopt_run(d, &run);
}

void volume_adopt(struct volume *v)
{
    if (!v->path)
        return;
    AUTO(str) char *path = v->block ? mem_strdup(v->path) : mem_printf("%s/disk.img", v->path);
    AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        adopt_file(v->disk, fd);
}
