/* All components. One line each. */
#include "components/component.h"

#include <string.h>

#include "components/kubevirt-datamover/download.h"
#include "components/kubevirt-datamover/mover.h"
#include "components/osac-operator/operator.h"

static const struct component *const components[] = {
    &osac_operator_component,
    &kubevirt_datamover_controller_component,
    &kubevirt_datamover_download_component,
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
