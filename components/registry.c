/* All components. Each is a line of components.list, and nothing else. */
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "components/component.h"

#define COMPONENT(name, folder) extern const struct component name##_component;
#include "components/components.list"
#undef COMPONENT

static const struct component *const components[] = {
#define COMPONENT(name, folder) &name##_component,
#include "components/components.list"
#undef COMPONENT
    NULL,
};

const struct component *const *component_all(void)
{
    return components;
}

const struct component *component_find(const char *name)
{
    for (size_t i = 0; components[i]; i++)
        if (strcmp(components[i]->name, name) == 0)
            return components[i];
    return NULL;
}

const char *component_nearest(const char *name)
{
    AUTO(mem) void *memory = mem_zalloc(sizeof components);
    const char **names = memory;
    size_t count = 0;

    for (; components[count]; count++)
        names[count] = components[count]->name;
    return err_nearest(name, names, count);
}
