/* Whole transfers through a descriptor: what a signal broke off goes on. 0 or a count on success,
 * -1 with errno on failure. */
#ifndef VMCONFORM_BASE_FDIO_H
#define VMCONFORM_BASE_FDIO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

int fdio_write(int fd, const void *data, size_t len);
int fdio_write_at(int fd, const void *data, size_t len, uint64_t offset);

/* Less than `len` bytes only where the file ends. */
ssize_t fdio_read(int fd, void *buf, size_t len);
ssize_t fdio_read_at(int fd, void *buf, size_t len, uint64_t offset);

/* Makes what the file has of these bytes read as zeros: a hole where there can be one, else as
 * fdio_write_zeros_at(). The file keeps its size. */
int fdio_zero_at(int fd, uint64_t offset, uint64_t len);
/* Writes zeros over what is none: what is zero already would fill a thin volume. */
int fdio_write_zeros_at(int fd, uint64_t offset, uint64_t len);

#endif
