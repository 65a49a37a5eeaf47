#include "components/kubevirt-datamover-plugin/eligible.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/volume_policy.h"

void eligibility_finish(struct eligibility *e)
{
    free(e->claim);
    free(e->why);
    *e = (struct eligibility){0};
}

/* ---- what the policies say of one claim ---- */

enum verdict {
    VERDICT_NEUTRAL,
    VERDICT_OURS,
    VERDICT_VETO /* Velero would back it up itself: two owners of a VM's disks */
};

/* A backup's policies, and what it takes to apply them. */
struct policies {
    struct plugin *p;
    const json_t *backup;
    const char *ns;
    struct volume_policies *read; /* NULL: none */
    json_t *pods;                 /* of the namespace; NULL until asked for */
};

static void cleanup_policies(struct policies *p)
{
    volume_policies_destroy(p->read);
    json_decref(p->pods);
}

static int read_policies(struct policies *p, struct err *reterr)
{
    const char *name = json_str_or_empty(p->backup, "spec.resourcePolicy.name");
    AUTO(json) json_t *map = NULL;

    if (!*name)
        return 0;
    if (client_get(&p->p->client, &plugin_configmap, p->p->ns, name, &map, reterr) != ANSWER_OK)
        return err_wrap(reterr, NO_POS, "the volume policies '%s'", name);
    p->read = volume_policies_read(map, reterr);
    return p->read ? 0 : -1;
}

/* NULL with nothing pending: it is not bound. */
static json_t *volume_of(struct policies *p, const json_t *claim, struct err *reterr)
{
    const char *name = json_str_or_empty(claim, "spec.volumeName");
    struct err err = {0};
    json_t *pv = NULL;
    enum answer a = ANSWER_OK;

    if (*name)
        a = client_get(&p->p->client, &plugin_volume, NULL, name, &pv, &err);
    if (a != ANSWER_OK && a != ANSWER_NOT_FOUND)
        err_move(reterr, &err);
    err_clear(&err);
    return pv;
}

/* What Velero does with a claim that no policy speaks of. */
static int judge_default(struct policies *p, const json_t *claim, enum verdict *ret,
                         struct err *reterr)
{
    bool files;

    if (!p->pods &&
        client_list(&p->p->client, &plugin_pod, p->ns, NULL, NULL, &p->pods, reterr) != ANSWER_OK)
        return -1;
    files = volume_goes_by_files(p->pods, meta_name(claim),
                                 json_bool(p->backup, "spec.defaultVolumesToFsBackup", false));
    *ret = !files && json_bool(p->backup, "spec.snapshotVolumes", true) ? VERDICT_VETO
                                                                        : VERDICT_NEUTRAL;
    return 0;
}

static int judge(struct policies *p, const json_t *claim, enum verdict *ret, struct err *reterr)
{
    struct err err = {0};
    AUTO(json) json_t *pv = volume_of(p, claim, &err);
    const json_t *parameters = NULL;
    bool design = p->p->design;

    if (err_pending(&err))
        return err_move(reterr, &err);
    switch (volume_policies_match(p->read, claim, pv, &parameters)) {
    case VOLUME_NO_MATCH:
        return judge_default(p, claim, ret, reterr);
    case VOLUME_SNAPSHOT:
        *ret = VERDICT_VETO;
        break;
    case VOLUME_FS_BACKUP: /* the design refuses what the implementation does not notice */
        *ret = design ? VERDICT_VETO : VERDICT_NEUTRAL;
        break;
    case VOLUME_SKIP:
        *ret = VERDICT_NEUTRAL;
        break;
    case VOLUME_CUSTOM:
        *ret = strcmp(json_str_or_empty(parameters, "datamover"), DATAMOVER) == 0 ? VERDICT_OURS
               : design                                                           ? VERDICT_VETO
                                                                                  : VERDICT_NEUTRAL;
        break;
    }
    return 0;
}

/* ---- all claims of a VM ---- */

struct claims {
    char *ours, *veto; /* the first of each */
};

static void cleanup_claims(struct claims *c)
{
    free(c->ours);
    free(c->veto);
}

static int judge_named(struct policies *p, const char *name, struct claims *ret, struct err *reterr)
{
    AUTO(json) json_t *claim = NULL;
    enum verdict verdict = VERDICT_NEUTRAL;
    struct err err = {0};
    enum answer a = client_get(&p->p->client, &plugin_claim, p->ns, name, &claim, &err);

    if (a == ANSWER_NOT_FOUND) { /* a DataVolume whose claim is to come */
        err_clear(&err);
        return 0;
    }
    if (a != ANSWER_OK)
        return err_move(reterr, &err);
    if (judge(p, claim, &verdict, reterr) < 0)
        return err_wrap(reterr, NO_POS, "the volume policy of PersistentVolumeClaim %s/%s", p->ns,
                        name);
    if (verdict == VERDICT_OURS && !ret->ours)
        ret->ours = mem_strdup(name);
    if (verdict == VERDICT_VETO && !ret->veto)
        ret->veto = mem_strdup(name);
    return 0;
}

static int judge_all(struct plugin *p, const json_t *backup, const json_t *vm, const json_t *names,
                     struct claims *ret, struct err *reterr)
{
    __attribute__((cleanup(cleanup_policies))) struct policies policies = {
        .p = p, .backup = backup, .ns = meta_namespace(vm)};
    size_t i;
    json_t *name;

    if (read_policies(&policies, reterr) < 0)
        return -1;
    json_array_foreach(names, i, name)
    {
        if (judge_named(&policies, json_string_value(name), ret, reterr) < 0)
            return -1;
    }
    return 0;
}

/* ---- the VM ---- */

/* What the VM itself lacks, in the order of the table; NULL: nothing. New. */
static char *lacks(const json_t *backup, const json_t *vm)
{
    const char *status = json_str_or_empty(vm, "status.printableStatus");
    const char *tracking = json_str_or_empty(vm, "status.changedBlockTracking.state");

    if (!json_bool(backup, "spec.snapshotMoveData", false))
        return mem_strdup("the backup does not move data (snapshotMoveData)");
    if (strcmp(status, "Running") != 0)
        return mem_printf("the VM is not running (%s)", *status ? status : "no status");
    if (strcmp(tracking, "Enabled") != 0)
        return mem_printf("ChangedBlockTracking is not Enabled (%s)",
                          *tracking ? tracking : "absent");
    return NULL;
}

int eligible(struct plugin *p, const json_t *backup, const json_t *vm, struct eligibility *ret,
             struct err *reterr)
{
    AUTO(json) json_t *names = plugin_claims_of(vm, CLAIMS_ALL);
    __attribute__((cleanup(cleanup_claims))) struct claims claims = {0};
    AUTO(str) char *why = lacks(backup, vm);
    struct err err = {0};

    if (json_array_size(names) > 0 && judge_all(p, backup, vm, names, &claims, &err) < 0) {
        /* Of a VM that is not taken anyway, what its policies are matters for a warning alone. */
        if (!why || err.code == ERR_CRASHED)
            return err_move(reterr, &err);
        err_clear(&err);
    }
    if (!why && json_array_size(names) == 0)
        why = mem_strdup("it has no volume on a claim");
    if (!why && !claims.ours)
        why = mem_strdup("no volume policy gives one of its claims to this datamover");
    if (!why && claims.veto)
        why = mem_printf("its claim %s is backed up in another way", claims.veto);
    *ret = (struct eligibility){!why, TAKE(claims.ours), TAKE(why)};
    return 0;
}
