/* Visible inside runner/ only. */
#ifndef VMCONFORM_RUNNER_CANARY_H
#define VMCONFORM_RUNNER_CANARY_H

/* The folder of a case's canaries is open under this number, in us and in the programs that we run:
 * so their paths, which images hold, are the same in every run. */
#define CANARY_FOLDER_FD 900

#endif
