/* What a table of commands is good for. */
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "runner/commands.h"

const struct command *command_find(const struct command *commands, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, commands[i].name) == 0)
            return &commands[i];
    return NULL;
}

int command_unknown(const struct command *commands, size_t count, const char *what,
                    const char *word, const char *otherwise)
{
    AUTO(mem) void *memory = mem_alloc(count * sizeof(char *));
    const char **names = memory;
    AUTO(err) struct err e = {0};

    for (size_t i = 0; i < count; i++)
        names[i] = commands[i].name;
    err_set(&e, ERR_INVALID, NO_POS, "unknown %s '%s'", what, word);
    err_suggest(&e, word, names, count, otherwise);
    err_print(stderr, &e, NULL, 0);
    return EXIT_CANNOT_TELL;
}

void command_list(const struct command *commands, size_t count, FILE *out)
{
    size_t width = 0;

    for (size_t i = 0; i < count; i++)
        if (strlen(commands[i].name) > width)
            width = strlen(commands[i].name);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "  %-*s %s\n", (int)width + 1, commands[i].name, commands[i].help);
}

bool command_shows_usage(int argc, char **argv, void (*usage)(FILE *out), int *ret_status)
{
    if (argc >= 2 && strcmp(argv[1], "--help") != 0 && strcmp(argv[1], "-h") != 0)
        return false;
    usage(argc < 2 ? stderr : stdout);
    *ret_status = argc < 2 ? EXIT_CANNOT_TELL : 0;
    return true;
}
