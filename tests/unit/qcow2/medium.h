/* Media that the tests of sinks write to: a file system that is soon full, a block device. Both
 * need rights that not every machine grants; then a line on stderr tells why, and the test ends
 * well without having tested. */
#ifndef VMCONFORM_TESTS_QCOW2_MEDIUM_H
#define VMCONFORM_TESTS_QCOW2_MEDIUM_H

#include <stdbool.h>

/* Mounts a tmpfs with these options over `folder`, in a mount namespace of the process, which is
 * that of one test. */
bool mount_small(const char *folder, const char *options);
/* Before the folder is removed. */
void unmount_small(const char *folder);

struct loop_device {
    char *path; /* NULL: there is none */
    int fd;
};
/* A block device with the bytes of a file. */
struct loop_device loop_attach(const char *path);
void loop_detach(struct loop_device *d);

#endif
