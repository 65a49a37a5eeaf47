/* qemu-img as the other reader: one process for each image, kept on a short leash. */
#ifndef VMCONFORM_FUZZ_QEMU_PEER_H
#define VMCONFORM_FUZZ_QEMU_PEER_H

#include <stdbool.h>

enum peer_answer {
    PEER_ACCEPTED,
    PEER_REFUSED,
    PEER_ENDED, /* by a signal, or for taking too long */
};

bool qemu_peer_installed(void);
/* qemu-img convert -O raw `source` `target`. What it says goes to the file `words`. */
enum peer_answer qemu_peer_convert(const char *source, const char *target, const char *words);

#endif
