/* The table of defects that create-chain can make. */
#include <jansson.h>
#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "fixtures/defect.h"
#include "runner/qcow2/command.h"
#include "runner/qcow2/create_priv.h"

static int list_markdown(void)
{
    size_t count;
    const struct defect_kind *kinds = defect_kinds(&count);

    puts("| defect | what it does | noticed by | code |\n|---|---|---|---|");
    for (size_t i = 0; i < count; i++)
        printf("| `%s%s%s` | %s | %s | %s |\n", kinds[i].name, kinds[i].argument ? ":" : "",
               kinds[i].argument ? kinds[i].argument : "", kinds[i].help,
               defect_noticed_name(kinds[i].noticed), qcow2_defect_code(kinds[i].code));
    return 0;
}

static int list_json(void)
{
    size_t count;
    const struct defect_kind *kinds = defect_kinds(&count);
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++) {
        json_t *v = json_object();

        json_put_str(v, "name", kinds[i].name);
        if (kinds[i].argument)
            json_put_str(v, "argument", kinds[i].argument);
        json_put_str(v, "help", kinds[i].help);
        json_put_str(v, "noticed", defect_noticed_name(kinds[i].noticed));
        json_put_str(v, "code", qcow2_defect_code(kinds[i].code));
        json_array_append_new(list, v);
    }
    print_json_take(list);
    return 0;
}

int qcow2_list_defects(bool json, bool markdown)
{
    size_t count;
    const struct defect_kind *kinds = defect_kinds(&count);

    if (json)
        return list_json();
    if (markdown)
        return list_markdown();
    for (size_t i = 0; i < count; i++) {
        AUTO(str)
        char *name = mem_printf("%s%s%s", kinds[i].name, kinds[i].argument ? ":" : "",
                                kinds[i].argument ? kinds[i].argument : "");

        printf("%-30s %-11s %-18s %s\n", name, defect_noticed_name(kinds[i].noticed),
               qcow2_defect_code(kinds[i].code), kinds[i].help);
    }
    return 0;
}
