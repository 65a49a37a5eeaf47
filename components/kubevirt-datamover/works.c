/* The two kinds of work: their keys and phases. */
#include "components/kubevirt-datamover/mover.h"

static bool always(const struct pass *p)
{
    (void)p;
    return true;
}

static const struct mover_phase download_phases[] = {
    {"New", accept_new, false, false},
    {"Accepted", accept_accepted, true, false},
    {"Prepared", progress_prepared, true, false},
    {"InProgress", progress_running, true, false},
    {"Canceling", finish_cancel, false, true},
    {"Completed", finish_resume_vm, false, true},
    {"Failed", NULL, false, true},
    {"Canceled", NULL, false, true},
    {NULL, NULL, false, false},
};

const struct mover_work mover_downloads = {
    .kind = &kind_dm_download,
    .uid_label = KEY_DOWNLOAD_UID,
    .succeeded = KEY_SUCCEEDED,
    .phases = download_phases,
    .may_cancel = always,
    .state = rebind_state,
    .start = progress_start_download,
    .source = rebind_source_download,
    .place = rebind_place_download,
};

static const struct mover_phase upload_phases[] = {
    {"New", upload_new, false, false},
    {"Accepted", upload_accepted, true, false},
    {"Prepared", progress_prepared, true, false},
    {"InProgress", upload_running, true, false},
    {"Canceling", upload_cancel, false, true},
    {"Completed", NULL, false, true},
    {"Failed", NULL, false, true},
    {"Canceled", NULL, false, true},
    {NULL, NULL, false, false},
};

const struct mover_work mover_uploads = {
    .kind = &kind_dm_upload,
    .uid_label = KEY_UPLOAD_UID,
    .succeeded = KEY_UPLOAD_SUCCEEDED,
    .success_ends_timer = true,
    .phases = upload_phases,
    .may_cancel = upload_may_cancel,
    .start = upload_start,
    .let_go = upload_let_go,
    .source = upload_source,
    .place = upload_place,
};
