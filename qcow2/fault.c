#include "qcow2/fault.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"

static const struct {
    const char *code;
    enum err_code err;
} defects[QCOW2_DEFECT_COUNT] = {
    [QCOW2_OK] = {"Q_OK", ERR_NONE},
    [QCOW2_IO] = {"Q_IO", ERR_IO},
    [QCOW2_NO_SPACE] = {"Q_NO_SPACE", ERR_NO_SPACE},
    [QCOW2_NOT_REGULAR] = {"Q_NOT_REGULAR", ERR_INVALID},
    [QCOW2_MAGIC] = {"Q_MAGIC", ERR_CORRUPT},
    [QCOW2_VERSION] = {"Q_VERSION", ERR_UNSUPPORTED},
    [QCOW2_HDR_SHORT] = {"Q_HDR_SHORT", ERR_CORRUPT},
    [QCOW2_HDR_LEN] = {"Q_HDR_LEN", ERR_CORRUPT},
    [QCOW2_HDR_FIELD] = {"Q_HDR_FIELD", ERR_CORRUPT},
    [QCOW2_SIZE] = {"Q_SIZE", ERR_CORRUPT},
    [QCOW2_FEATURE] = {"Q_FEATURE", ERR_UNSUPPORTED},
    [QCOW2_COMPRESSION] = {"Q_COMPRESSION", ERR_UNSUPPORTED},
    [QCOW2_EXT] = {"Q_EXT", ERR_CORRUPT},
    [QCOW2_BACKING_NAME] = {"Q_BACKING_NAME", ERR_CORRUPT},
    [QCOW2_L1_EOF] = {"Q_L1_EOF", ERR_CORRUPT},
    [QCOW2_RT] = {"Q_RT", ERR_CORRUPT},
    [QCOW2_SNAP] = {"Q_SNAP", ERR_CORRUPT},
    [QCOW2_BITMAP] = {"Q_BITMAP", ERR_CORRUPT},
    [QCOW2_POLICY_CORRUPT] = {"Q_POLICY_CORRUPT", ERR_UNSUPPORTED},
    [QCOW2_POLICY_DATA_FILE] = {"Q_POLICY_DATA_FILE", ERR_UNSUPPORTED},
    [QCOW2_POLICY_ENCRYPTED] = {"Q_POLICY_ENCRYPTED", ERR_UNSUPPORTED},
    [QCOW2_POLICY_SNAPSHOTS] = {"Q_POLICY_SNAPSHOTS", ERR_UNSUPPORTED},
    [QCOW2_POLICY_V2] = {"Q_POLICY_V2", ERR_UNSUPPORTED},
    [QCOW2_POLICY_BACKING] = {"Q_BACKING_POLICY", ERR_INVALID},
    [QCOW2_L1_ENTRY] = {"Q_L1_ENTRY", ERR_CORRUPT},
    [QCOW2_L2_ENTRY] = {"Q_L2_ENTRY", ERR_CORRUPT},
    [QCOW2_ZERO_V2] = {"Q_ZERO_V2", ERR_CORRUPT},
    [QCOW2_COMP] = {"Q_COMP", ERR_CORRUPT},
    [QCOW2_SUBCL] = {"Q_SUBCL", ERR_CORRUPT},
    [QCOW2_TAIL] = {"Q_TAIL", ERR_CORRUPT},
    [QCOW2_OVERLAP] = {"Q_OVERLAP", ERR_CORRUPT},
    [QCOW2_REFCOUNT] = {"Q_REFCOUNT", ERR_CORRUPT},
    [QCOW2_LEAK] = {"Q_LEAK", ERR_CORRUPT},
    [QCOW2_COPIED_FLAG] = {"Q_COPIED", ERR_CORRUPT},
    [QCOW2_CHAIN_EMPTY] = {"Q_CHAIN_EMPTY", ERR_INVALID},
    [QCOW2_CHAIN_DEPTH] = {"Q_CHAIN_DEPTH", ERR_LIMIT},
    [QCOW2_CHAIN_LOOP] = {"Q_LOOP", ERR_INVALID},
    [QCOW2_CHAIN_SHRUNK] = {"Q_CHAIN_SHRUNK", ERR_INVALID},
    [QCOW2_CHAIN_MISSING] = {"Q_CHAIN_MISSING", ERR_NOT_FOUND},
    [QCOW2_CHAIN_BACKING] = {"Q_CHAIN_BACKING", ERR_INVALID},
    [QCOW2_CHAIN_HEAD] = {"Q_CHAIN_HEAD", ERR_INVALID},
    [QCOW2_CHAIN_TYPE] = {"Q_CHAIN_TYPE", ERR_INVALID},
    [QCOW2_CHAIN_DUPLICATE] = {"Q_CHAIN_DUPLICATE", ERR_INVALID},
    [QCOW2_CHAIN_CYCLE] = {"Q_CHAIN_CYCLE", ERR_INVALID},
    [QCOW2_CHAIN_ORDER] = {"Q_CHAIN_ORDER", ERR_INVALID},
    [QCOW2_CHAIN_GAP] = {"Q_CHAIN_GAP", ERR_INVALID},
    [QCOW2_CHAIN_PARENT] = {"Q_CHAIN_PARENT", ERR_INVALID},
    [QCOW2_LENGTH] = {"Q_LENGTH", ERR_CORRUPT},
    [QCOW2_DIGEST] = {"Q_DIGEST", ERR_CORRUPT},
    [QCOW2_TARGET_SMALL] = {"Q_TARGET_SMALL", ERR_INVALID},
    [QCOW2_TARGET_TAIL] = {"Q_TARGET_TAIL", ERR_INVALID},
    [QCOW2_LIMIT] = {"Q_LIMIT", ERR_LIMIT},
    [QCOW2_USAGE] = {"Q_USAGE", ERR_INVALID},
};

const char *qcow2_defect_code(enum qcow2_defect defect)
{
    assert(defect < QCOW2_DEFECT_COUNT);
    return defects[defect].code;
}

int qcow2_fault_set(struct qcow2_fault *f, enum qcow2_defect defect, const char *name,
                    uint64_t offset, const char *fmt, ...)
{
    assert(defect != QCOW2_OK);
    assert(defect < QCOW2_DEFECT_COUNT);
    if (!f)
        return -1;
    assert(f->defect == QCOW2_OK);
    va_list ap;
    va_start(ap, fmt);
    AUTO(str) char *sentence = mem_vprintf(fmt, ap);
    va_end(ap);
    f->defect = defect;
    f->offset = offset;
    if (offset == QCOW2_NO_OFFSET)
        return err_set(&f->err, defects[defect].err, NO_POS, "%s: %s", name, sentence);
    return err_set(&f->err, defects[defect].err, NO_POS, "%s: at byte %" PRIu64 ": %s", name,
                   offset, sentence);
}

int qcow2_fault_errno(struct qcow2_fault *f, int errnum, const char *name, const char *doing)
{
    if (!f)
        return -1;
    assert(f->defect == QCOW2_OK);
    f->defect = errnum == ENOSPC || errnum == EDQUOT ? QCOW2_NO_SPACE : QCOW2_IO;
    f->offset = QCOW2_NO_OFFSET;
    return err_set_errno(&f->err, errnum, NO_POS, "%s: %s", name, doing);
}

int qcow2_fault_take(struct qcow2_fault *f, struct err *e)
{
    assert(err_pending(e));
    if (!f) {
        err_clear(e);
        return -1;
    }
    assert(f->defect == QCOW2_OK);
    f->defect = e->code == ERR_NO_SPACE ? QCOW2_NO_SPACE : QCOW2_IO;
    f->offset = QCOW2_NO_OFFSET;
    return err_move(&f->err, e);
}

int qcow2_fault_move(struct err *reterr, struct qcow2_fault *f)
{
    assert(f->defect != QCOW2_OK);
    err_move(reterr, &f->err);
    qcow2_fault_clear(f);
    return -1;
}

void qcow2_fault_hand_over(struct qcow2_fault *to, struct qcow2_fault *from)
{
    if (!to) {
        qcow2_fault_clear(from);
        return;
    }
    assert(to->defect == QCOW2_OK);
    *to = *from;
    *from = (struct qcow2_fault){0};
}

void qcow2_fault_clear(struct qcow2_fault *f)
{
    err_clear(&f->err);
    *f = (struct qcow2_fault){0};
}

char *qcow2_quote(char *out, size_t cap, const void *text, size_t len)
{
    assert(cap >= 8);
    const unsigned char *bytes = text;
    size_t at = 0;
    for (size_t i = 0; i < len; i++) {
        char piece[5];
        bool plain = bytes[i] >= 0x20 && bytes[i] < 0x7f && bytes[i] != '\\' && bytes[i] != '\'';
        int n = snprintf(piece, sizeof piece, plain ? "%c" : "\\x%02x", bytes[i]);
        if (at + (size_t)n + 4 > cap) { /* room for "..." and the NUL */
            memcpy(out + at, "...", 3);
            at += 3;
            break;
        }
        memcpy(out + at, piece, (size_t)n);
        at += (size_t)n;
    }
    out[at] = '\0';
    return out;
}
