/* The operator's process: settings, caches, and who wakes whom. */
#include "components/ssp-operator/operator.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/component.h"
#include "components/runtime/config.h"
#include "components/ssp-operator/dependents.h"
#include "components/ssp-operator/manifests.h"
#include "kube/meta.h"

const struct kind ssp_kind_ssp = {{"ssp.kubevirt.io", "v1beta3", "ssps"}, "SSP"};
const struct kind ssp_kind_policy = {
    {"admissionregistration.k8s.io", "v1", "validatingadmissionpolicies"},
    "ValidatingAdmissionPolicy"};
const struct kind ssp_kind_binding = {
    {"admissionregistration.k8s.io", "v1", "validatingadmissionpolicybindings"},
    "ValidatingAdmissionPolicyBinding"};
const struct kind ssp_kind_vm = {{"kubevirt.io", "v1", "virtualmachines"}, "VirtualMachine"};
const struct kind ssp_kind_revision = {{"apps", "v1", "controllerrevisions"}, "ControllerRevision"};
const struct kind ssp_kind_namespace = {{"", "v1", "namespaces"}, "Namespace"};

static const char *const told[] = {
    "cluster",     "namespace", "revisionProtection", "namespaceProtection", "exempt",
    "objectGraph", NULL};
static const char *const revision_words[] = {"none", "allow-list", "labels", "finalizers", NULL};
static const char *const namespace_words[] = {"none", "labels", NULL};

/* ---- settings ---- */

static int read_word(const char *setting, const char *word, const char *const *words, int *ret,
                     struct err *reterr)
{
    AUTO(strbuf) struct strbuf all = {0};
    for (int i = 0; words[i]; i++) {
        if (strcmp(words[i], word) == 0) {
            *ret = i;
            return 0;
        }
        strbuf_addf(&all, "%s%s", i ? ", " : "", words[i]);
    }
    return err_set(reterr, ERR_INVALID, NO_POS, "setting '%s': expected one of %s, found '%s'",
                   setting, strbuf_str(&all), word);
}

static int read_config(struct ssp_operator *op, struct host *h, const json_t *config,
                       struct err *reterr)
{
    const char *cluster = NULL, *ns = "kubevirt", *exempt = NULL;
    const char *revisions = "none", *namespaces = "none";
    const struct config_setting settings[] = {
        {"cluster", CONFIG_STRING, &cluster},
        {"namespace", CONFIG_STRING, &ns},
        {"revisionProtection", CONFIG_STRING, &revisions},
        {"namespaceProtection", CONFIG_STRING, &namespaces},
        {"exempt", CONFIG_STRING, &exempt},
        {"objectGraph", CONFIG_BOOL, &op->graph},
    };
    int revision_word = 0, namespace_word = 0;
    config_told(told, settings, ARRAY_LEN(settings));
    if (config_read(config, settings, ARRAY_LEN(settings), reterr) < 0 ||
        read_word("revisionProtection", revisions, revision_words, &revision_word, reterr) < 0 ||
        read_word("namespaceProtection", namespaces, namespace_words, &namespace_word, reterr) < 0)
        return -1;
    if (exempt && strpbrk(exempt, "'\\\n"))
        return err_set(reterr, ERR_INVALID, NO_POS, "setting 'exempt' must be the name of a user");
    op->cluster = cluster ? mem_strdup(cluster) : NULL;
    op->client = (struct client){h, op->cluster};
    op->ns = mem_strdup(ns);
    op->exempt = exempt && *exempt ? mem_strdup(exempt) : NULL;
    op->revisions = (enum ssp_revisions)revision_word;
    op->namespaces = (enum ssp_namespaces)namespace_word;
    return 0;
}

static void operator_destroy(void *arg)
{
    struct ssp_operator *op = arg;
    free(op->cluster);
    free(op->ns);
    free(op->exempt);
    free(op);
}

/* ---- who wakes whom ---- */

static struct informer *cache(struct runtime *rt, const struct ssp_operator *op,
                              const struct kind *kind)
{
    return informer_create(
        rt, &(struct informer_config){.client = op->client, .kind = kind, .optional = true});
}

/* Whatever happens to an operand is looked at by every SSP resource. */
static void map_to_ssps(void *cookie, struct controller *c, const json_t *operand)
{
    const struct ssp_operator *op = cookie;
    size_t pos = 0;
    json_t *ssp;
    (void)operand;
    while (informer_each(op->ssps, &pos, &ssp))
        controller_enqueue(c, meta_namespace(ssp), meta_name(ssp));
}

static bool is_ours(void *cookie, enum api_event_type type, const json_t *old, const json_t *obj)
{
    (void)cookie, (void)type, (void)old;
    for (int i = 0; i < SSP_OPERAND_COUNT; i++)
        if (strcmp(meta_name(obj), ssp_operand_names[i].policy) == 0 ||
            strcmp(meta_name(obj), ssp_operand_names[i].binding) == 0)
            return true;
    return false;
}

static void add_operands(struct runtime *rt, struct ssp_operator *op)
{
    struct controller *c = controller_create(
        rt, &(struct controller_config){
                .name = "ssp", .reconcile = ssp_operands_reconcile, .cookie = op});
    op->ssps = cache(rt, op, &ssp_kind_ssp);
    controller_watch_self(c, op->ssps, NULL, NULL);
    op->policies = cache(rt, op, &ssp_kind_policy);
    op->bindings = cache(rt, op, &ssp_kind_binding);
    controller_watch(c, op->policies, map_to_ssps, is_ours, op);
    controller_watch(c, op->bindings, map_to_ssps, is_ours, op);
}

static void map_to_namespace(void *cookie, struct controller *c, const json_t *object)
{
    (void)cookie;
    controller_enqueue(c, "", meta_namespace(object));
}

static void add_dependents(struct runtime *rt, struct ssp_operator *op)
{
    struct controller *c = controller_create(
        rt, &(struct controller_config){
                .name = "dependents", .reconcile = ssp_dependents_reconcile, .cookie = op});
    controller_watch(c, cache(rt, op, &ssp_kind_vm), map_to_namespace, NULL, op);
    controller_watch(c, cache(rt, op, &ssp_kind_revision), map_to_namespace, NULL, op);
}

static int run(struct host *h, const json_t *config, struct err *reterr)
{
    AUTO(runtime) struct runtime *rt = runtime_create(h);
    struct ssp_operator *op = mem_zalloc(sizeof *op);
    runtime_own(rt, op, operator_destroy);
    if (read_config(op, h, config, reterr) < 0)
        return err_wrap(reterr, NO_POS, "ssp-operator");
    add_operands(rt, op);
    if (op->revisions == SSP_REVISIONS_LABELS || op->revisions == SSP_REVISIONS_FINALIZERS ||
        op->namespaces == SSP_NAMESPACES_LABELS)
        add_dependents(rt, op);
    return runtime_run(rt, reterr);
}

const struct component ssp_operator_component = {
    .name = "ssp-operator",
    .kind = COMPONENT_CONTROLLER,
    .settings = told,
    .user = "system:serviceaccount:kubevirt:ssp-operator",
    .run = run,
};
