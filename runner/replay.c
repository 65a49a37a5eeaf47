#include "runner/replay.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "runner/pod_programs.h"

void shell_add_argument(struct strbuf *out, const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "_-./:=,+@%";

    if (out->len)
        strbuf_addch(out, ' ');
    if (*text && strspn(text, plain) == strlen(text)) {
        strbuf_addstr(out, text);
        return;
    }
    strbuf_addch(out, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            strbuf_addstr(out, "'\\''");
        else
            strbuf_addch(out, *text);
    }
    strbuf_addch(out, '\'');
}

char *case_replay(const struct unit *u, const char *name, const struct replay *how)
{
    AUTO(strbuf) struct strbuf out = {0};
    AUTO(str) char *number = mem_printf("%llu", (unsigned long long)how->seed);

    /* As it was called: what is copied must find the same program. */
    shell_add_argument(&out, program_invocation_name);
    shell_add_argument(&out, "run");
    if (strcmp(name, u->name) != 0) {
        shell_add_argument(&out, "--filter");
        shell_add_argument(&out, name);
    }
    shell_add_argument(&out, "--seed");
    shell_add_argument(&out, number);
    if (how->crash) {
        shell_add_argument(&out, "--crash");
        shell_add_argument(&out, how->crash);
    }
    if (how->interleaving) {
        shell_add_argument(&out, "--interleaving");
        shell_add_argument(&out, how->interleaving);
    }
    /* The usual one is not said: a program that knows no engines can run it again, too. */
    if (how->engine && !how->pods && strcmp(how->engine, RUN_ENGINE_USUAL) != 0) {
        shell_add_argument(&out, "--engine");
        shell_add_argument(&out, how->engine);
    }
    pod_programs_tell(how->pods, &out);
    if (how->outside) {
        shell_add_argument(&out, "--transport");
        shell_add_argument(&out, "http");
    }
    if (*u->path == '-')
        shell_add_argument(&out, "--");
    shell_add_argument(&out, u->path);
    return strbuf_take(&out);
}
