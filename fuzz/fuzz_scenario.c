/* Any bytes as a scenario: loaded, with its cases named, or refused with diagnoses. Nothing of it
 * is run. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "runner/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The loader reads a file, and its name counts. */
static char folder[] = "/tmp/vmconform-fuzz-XXXXXX";
static char *path;

static void remove_file(void)
{
    unlink(path);
    rmdir(folder);
    free(path);
}

static void name_file(void)
{
    if (path)
        return;
    if (!mkdtemp(folder))
        abort();
    path = mem_printf("%s/fuzz.yaml", folder);
    atexit(remove_file);
}

static void name_cases(const struct unit *u)
{
    AUTO(json) json_t *cases = scenario_cases(u);
    size_t i;
    json_t *values;

    assert(json_array_size(cases) > 0);
    json_array_foreach(cases, i, values)
    {
        AUTO(str) char *name = scenario_case_name(u, values);
        assert(strncmp(name, u->name, strlen(u->name)) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct diags diags = {0};
    AUTO(library) struct library *library = library_create();
    FILE *f;

    json_init();
    name_file();
    f = fopen(path, "wb");
    if (!f)
        abort();
    fwrite(data, 1, size, f);
    fclose(f);
    AUTO(unit) struct unit *u = scenario_load(library, path, &diags);
    assert(!u == (diags.errors > 0));
    if (u)
        name_cases(u);
    diags_finish(&diags);
    return 0;
}
