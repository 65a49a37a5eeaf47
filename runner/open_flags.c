#include "runner/open_flags.h"

#include <fcntl.h>

int open_flags(enum host_open_mode mode)
{
    switch (mode) {
    case HOST_READ:
        return O_RDONLY;
    case HOST_CREATE:
        return O_RDWR | O_CREAT | O_EXCL;
    case HOST_TRUNCATE:
        return O_RDWR | O_CREAT | O_TRUNC;
    case HOST_WRITE:
        return O_RDWR;
    case HOST_EDIT:
        return O_RDWR | O_CREAT;
    }
    return O_RDONLY;
}
