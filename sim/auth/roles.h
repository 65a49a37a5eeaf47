/* Cluster roles and bindings as tables of text, for those who bring their own to a cluster. */
#ifndef VMCONFORM_SIM_AUTH_ROLES_H
#define VMCONFORM_SIM_AUTH_ROLES_H

#include <stddef.h>

#include "sim/apiserver/apiserver.h"

#define ROLE_LABEL_ADMIN "rbac.authorization.k8s.io/aggregate-to-admin"
#define ROLE_LABEL_EDIT "rbac.authorization.k8s.io/aggregate-to-edit"
#define ROLE_LABEL_VIEW "rbac.authorization.k8s.io/aggregate-to-view"

/* A rule is a line: verbs, groups, resources and (seldom) names, or verbs and paths. Commas
 * separate, "core" is the group without a name. */
struct role_def {
    const char *name;
    const char *label;     /* that others aggregate by, or NULL */
    const char *aggregate; /* the label that it aggregates, or NULL */
    const char *rules;
};
/* Subjects: "Group:name", "User:name", "ServiceAccount:namespace/name"; separated by spaces. */
struct binding_def {
    const char *name, *role, *subjects;
};
struct role_set {
    const struct role_def *roles;
    size_t role_count;
    const struct binding_def *bindings;
    size_t binding_count;
    const char *mark;    /* an empty label of each object; NULL: they are the server's own */
    const char *own_too; /* the role of a marked set that is said to be the server's own, or NULL */
    const char *user, *manager; /* who creates them */
};

/* Those that exist stay as they are. */
void role_set_create(struct apiserver *server, const struct role_set *set);

#endif
