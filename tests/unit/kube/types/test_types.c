/* The table of built-in kinds: what can be found in it, and that it is whole. */
#include "kube/types/types.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "tests/unit/suite.h"

START_TEST(kinds)
{
    static const struct {
        const char *group, *version, *kind, *name;
    } rows[] = {
        {"", "v1", "Pod", "io.k8s.api.core.v1.Pod"},
        {"", NULL, "PodList", "io.k8s.api.core.v1.PodList"},
        {"apps", "v1", "Deployment", "io.k8s.api.apps.v1.Deployment"},
        {"autoscaling", "v1", "Scale", "io.k8s.api.autoscaling.v1.Scale"},
        {"autoscaling", "v2", "HorizontalPodAutoscaler",
         "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler"},
        {"", "v1", "Event", "io.k8s.api.core.v1.Event"},
        {"events.k8s.io", "v1", "Event", "io.k8s.api.events.v1.Event"},
        {"", "v1", "Status", "io.k8s.apimachinery.pkg.apis.meta.v1.Status"},
        {"", "v1", "List", "io.k8s.apimachinery.pkg.apis.meta.v1.List"},
        {"meta.k8s.io", "v1", "PartialObjectMetadata",
         "io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata"},
        {"apps", "v1", "DeleteOptions", "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"},
        {"", "v1", "WatchEvent", "io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent"},
        {"apiextensions.k8s.io", "v1", "CustomResourceDefinition",
         "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition"},
        {"apps", "v2", "Deployment", NULL},
        {"", "v1", "Deployment", NULL},
        {"", "v1", "PodSpec", NULL},
        {"kubevirt.io", "v1", "VirtualMachine", NULL},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct kube_type *t = kube_type_find(rows[i].group, rows[i].version, rows[i].kind);

        if (!rows[i].name)
            ck_assert_ptr_null(t);
        else
            ck_assert_str_eq(t ? t->name : "none", rows[i].name);
    }
    ck_assert_ptr_nonnull(kube_type_named("io.k8s.api.core.v1.PodSpec"));
    ck_assert_ptr_null(kube_type_named("io.k8s.api.core.v1.podSpec"));
}
END_TEST

START_TEST(fields)
{
    const struct kube_type *pod = kube_type_find("", "v1", "Pod");
    const struct kube_field *f = kube_field_find(pod, "spec");

    ck_assert_ptr_nonnull(f);
    ck_assert_str_eq(pod->fields[0].name, "kind");
    ck_assert_str_eq(pod->fields[1].name, "apiVersion");
    ck_assert_ptr_eq(f, kube_field_numbered(pod, 2));
    ck_assert_ptr_null(kube_field_numbered(pod, 0));
    ck_assert_ptr_null(kube_field_numbered(pod, 99));
    ck_assert_str_eq(f->go_type, "v1.PodSpec");
    ck_assert_ptr_null(kube_field_find(f->type, ""));
    f = kube_field_find(f->type, "containers");
    ck_assert(f->required && f->repeated && f->patch_merge && !f->omit_empty);
    ck_assert_str_eq(f->merge_key, "name");
    ck_assert_int_eq(f->list_type, KUBE_LIST_MAP);
    ck_assert_str_eq(f->list_keys[0], "name");
    ck_assert_ptr_null(f->list_keys[1]);
    ck_assert_str_eq(f->go_type, "[]v1.Container");
    f = kube_field_find(f->type, "ports");
    ck_assert_str_eq(f->merge_key, "containerPort");
    ck_assert_str_eq(f->list_keys[0], "containerPort");
    ck_assert_str_eq(f->list_keys[1], "protocol");
    f = kube_field_find(f->type, "protocol");
    ck_assert_str_eq(json_string_value(f->default_value), "TCP");
    ck_assert_str_eq(f->go_type, "v1.Protocol");
}
END_TEST

START_TEST(inlined)
{
    const struct kube_type *volume = kube_type_named("io.k8s.api.core.v1.Volume");
    const struct kube_field *f = kube_field_find(volume, "persistentVolumeClaim");

    ck_assert_ptr_nonnull(f);
    ck_assert_str_eq(f->type->name, "io.k8s.api.core.v1.PersistentVolumeClaimVolumeSource");
    ck_assert_ptr_null(kube_field_find(volume, "volumeSource"));
    ck_assert_str_eq(kube_field_numbered(volume, 2)->name, "");
    ck_assert(kube_type_named("io.k8s.api.core.v1.LocalObjectReference")->atomic);
}
END_TEST

/* Every field leads somewhere and is found again; no two have a name or a number in common. */
START_TEST(whole)
{
    size_t count;
    const struct kube_type *const *all = kube_types_all(&count);

    ck_assert_uint_gt(count, 500);
    for (size_t i = 0; i < count; i++) {
        const struct kube_type *t = all[i];

        ck_assert(i == 0 || strcmp(all[i - 1]->name, t->name) < 0);
        ck_assert_ptr_eq(kube_type_named(t->name), t);
        if (t->kind)
            ck_assert_ptr_eq(kube_type_find(t->group, t->version, t->kind), t);
        for (size_t j = 0; j < t->field_count; j++) {
            const struct kube_field *f = &t->fields[j];

            ck_assert(*f->name ? kube_field_find(t, f->name) == f : f->scalar == KUBE_MESSAGE);
            ck_assert(!f->number || kube_field_numbered(t, f->number) == f);
            ck_assert((f->scalar >= KUBE_SCHEMA_OR_ARRAY) == (f->type != NULL));
            ck_assert((f->list_type == KUBE_LIST_MAP) == (f->list_keys != NULL));
            ck_assert_ptr_nonnull(f->go_type);
        }
    }
}
END_TEST

/* What Go makes of an object. */
static const struct settled {
    const char *kind, *group, *have, *want;
} settled[] = {
    {"ConfigMap", "",
     "{'binaryData':null,'immutable':null,'data':{},'metadata':{'labels':{'a':null}}}",
     "{'metadata':{'labels':{'a':''}}}"},
    {"ConfigMap", "", "{'data':{'a':null,'b':'c'},'immutable':false}",
     "{'data':{'a':'','b':'c'},'immutable':false}"},
    {"Secret", "", "{'data':{'a':null},'type':'','stringData':null}", "{'data':{'a':''}}"},
    {"Namespace", "", "{'spec':{'finalizers':[null,'a']},'status':{'conditions':[null]}}",
     "{'spec':{'finalizers':['','a']},'status':{'conditions':[{'type':'','status':'',"
     "'lastTransitionTime':null}]}}"},
    {"Pod", "",
     "{'spec':{'containers':[{'name':'','image':'','args':[],'env':null,'resources':{'limits':{},"
     "'requests':{'cpu':null}},'tty':false,'ports':[null,{'containerPort':null,'hostPort':0}]}],"
     "'nodeSelector':{},'hostNetwork':false,'terminationGracePeriodSeconds':0,"
     "'volumes':[{'name':'v','emptyDir':{}}],'securityContext':{}},'status':{}}",
     "{'spec':{'containers':[{'name':'','resources':{'requests':{'cpu':'0'}},"
     "'ports':[{'containerPort':0},{'containerPort':0}]}],"
     "'terminationGracePeriodSeconds':0,'volumes':[{'name':'v','emptyDir':{}}],"
     "'securityContext':{}},'status':{}}"},
    {"Pod", "", "{'spec':{'containers':null,'initContainers':null}}",
     "{'spec':{'containers':null}}"},
    {"CustomResourceDefinition", "apiextensions.k8s.io",
     "{'spec':{'versions':[{'name':'v1','schema':{'openAPIV3Schema':{'enum':[null],'default':null,"
     "'required':[],'items':[null,{'type':'','title':null}],'additionalProperties':{'format':''},"
     "'properties':{'a':null,'b':{'additionalProperties':false,'enum':[{'x':null}]}},"
     "'dependencies':{'d':[null],'e':{'id':''}}}}}]},'status':{'storedVersions':[null]}}",
     "{'spec':{'versions':[{'name':'v1','schema':{'openAPIV3Schema':{'enum':[null],"
     "'items':[{},{}],'additionalProperties':{},"
     "'properties':{'a':{},'b':{'additionalProperties':false,'enum':[{'x':null}]}},"
     "'dependencies':{'d':[''],'e':{}}}}}]},'status':{'storedVersions':['']}}"},
};

static json_t *read_quoted(const char *text)
{
    AUTO(str) char *copy = mem_strdup(text);
    struct err e = {0};

    for (char *p = copy; *p; p++)
        if (*p == '\'')
            *p = '"';
    return json_read(copy, strlen(copy), "test", &e);
}

START_TEST(settles)
{
    const struct settled *row = &settled[_i];
    const struct kube_type *t = kube_type_find(row->group, "v1", row->kind);
    AUTO(json) json_t *have = read_quoted(row->have);
    AUTO(json) json_t *want = read_quoted(row->want);

    ck_assert(t && have && want);
    kube_type_settle(t, have);
    AUTO(str) char *text = json_text(have);
    ck_assert_msg(json_same(have, want), "%s", text);
    kube_type_settle(t, have);
    ck_assert(json_same(have, want));
}
END_TEST

/* Lists of schemas down to the last level, where no object has a place any more. */
START_TEST(settles_to_the_bottom)
{
    const struct kube_type *t = kube_type_named("io.k8s.apiextensions-apiserver.pkg.apis."
                                                "apiextensions.v1.JSONSchemaProps");
    AUTO(json) json_t *object = json_pack("{s:[n]}", "items");

    for (int levels = 2; levels + 2 <= JSON_DEPTH_MAX; levels += 2)
        object = json_pack("{s:[o]}", "items", object);
    kube_type_settle(t, object);
    json_t *at = object;
    while (json_is_object(at))
        at = json_array_get(json_object_get(at, "items"), 0);
    ck_assert(json_is_null(at));
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("types",
                      SUITE_CASE("table", TEST(kinds), TEST(fields), TEST(inlined), TEST(whole),
                                 EACH(settles, settled), TEST(settles_to_the_bottom)));
}
