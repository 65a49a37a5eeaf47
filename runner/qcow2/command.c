/* vmconform qcow2: the table of its subcommands. Nothing here opens a file that an image names. */
#include "runner/qcow2/command.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "runner/commands.h"

static const struct command subcommands[] = {
    {"info", qcow2_info_command, "what stands in an image's header"},
    {"check", qcow2_check_command, "whether images, or a whole backup chain, are sound"},
    {"map", qcow2_map_command, "where the bytes of a chain stand; as a picture too"},
    {"flatten", qcow2_flatten_command, "write a chain as one raw disk"},
    {"compare", qcow2_compare_command, "whether two disks are the same, and where not"},
    {"create-chain", qcow2_create_chain, "make a backup chain of known content, or a broken one"},
};

static void usage(FILE *out)
{
    fputs("usage: vmconform qcow2 SUBCOMMAND [OPTIONS] [FILE...]\n\n", out);
    command_list(subcommands, ARRAY_LEN(subcommands), out);
    fputs(
        "\nLayers of a chain are named oldest first. 'raw:FILE' and 'qcow2:FILE' say which format "
        "a file has.\n'vmconform qcow2 SUBCOMMAND --help' shows the options of a subcommand.\n",
        out);
}

static int unknown_subcommand(const char *word)
{
    return command_unknown(subcommands, ARRAY_LEN(subcommands), "subcommand", word,
                           "'vmconform qcow2 --help' lists the subcommands");
}

int cmd_qcow2(int argc, char **argv)
{
    int status;

    if (command_shows_usage(argc, argv, usage, &status))
        return status;
    /* A reader that went away and a file size limit are errors that writing returns, so that what
     * was half made is removed. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    const struct command *c = command_find(subcommands, ARRAY_LEN(subcommands), argv[1]);
    return c ? c->fn(argc - 1, argv + 1) : unknown_subcommand(argv[1]);
}
