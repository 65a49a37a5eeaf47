/* Runs a fuzz target over files, so that the corpus is a normal test under every compiler:
 * fuzz_x FILE|FOLDER... Prints each name first, since the crash would not. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/strbuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned replayed;

static int replay_file(const char *path)
{
    AUTO(file) FILE *f = fopen(path, "rb");
    AUTO(strbuf) struct strbuf text = {0};
    char buf[65536];
    size_t n;

    if (!f) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return -1;
    }
    while ((n = fread(buf, 1, sizeof buf, f)) > 0)
        strbuf_add(&text, buf, n);
    printf("%s: %zu bytes\n", path, text.len);
    fflush(stdout);
    /* A copy of just this size: a read beyond its end must not find the text's terminating NUL. */
    uint8_t *copy = mem_dup(strbuf_str(&text), text.len);
    LLVMFuzzerTestOneInput(copy, text.len);
    free(copy);
    replayed++;
    return 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int replay_folder(const char *path)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, NULL, by_bytes), r = 0;

    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.') {
            AUTO(str) char *file = mem_printf("%s/%s", path, entries[i]->d_name);
            r |= replay_file(file);
        }
        free(entries[i]);
    }
    free(entries);
    return count < 0 ? -1 : r;
}

int main(int argc, char **argv)
{
    int r = 0;

    for (int i = 1; i < argc; i++) {
        struct stat st;
        bool is_folder = stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode);
        r |= is_folder ? replay_folder(argv[i]) : replay_file(argv[i]);
    }
    printf("%u inputs\n", replayed);
    return r || replayed == 0;
}
