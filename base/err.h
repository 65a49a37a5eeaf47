/* Errors with a place, a message and a hint; diagnostics that collect many; one printer for all.
 *
 * A function that can fail returns int 0/-1 (or a pointer/NULL) and takes `struct err *reterr`
 * last. `return err_set(reterr, ...)` is the failing line. A zeroed struct err is "no error".
 * reterr may be NULL when the caller does not care. Messages: say expected and found, quote user
 * text, one line, no final stop. Libraries never print; the command line does, through err_print().
 */
#ifndef VMCONFORM_BASE_ERR_H
#define VMCONFORM_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum err_code {
    ERR_NONE = 0,
    ERR_SYNTAX,      /* the text is not well-formed */
    ERR_INVALID,     /* well-formed, but not allowed */
    ERR_LIMIT,       /* a named limit was reached */
    ERR_NOT_FOUND,   /* a file or a name does not exist */
    ERR_IO,          /* the system refused: reading, writing, running */
    ERR_NO_SPACE,    /* ENOSPC, told apart because callers act on it */
    ERR_UNSUPPORTED, /* understood, and refused */
    ERR_CONFLICT,    /* somebody else was faster: a precondition does not hold */
    ERR_CRASHED,     /* the calling actor has crashed: unwind, do nothing more */
    ERR_CORRUPT,     /* data contradicts itself: an image, a manifest */
    ERR_INTERNAL,    /* a bug in this program that could be reported instead of asserted */
    ERR_CODE_COUNT
};

/* 1-based; line 0 means "no place". `file` is borrowed: interned with err_intern_file() or static.
 */
struct src_pos {
    const char *file;
    uint32_t line, col;
};
#define NO_POS ((struct src_pos){NULL, 0, 0})

struct err {
    enum err_code code;
    struct src_pos pos;
    char *msg;  /* owned */
    char *hint; /* owned, may be NULL */
};

/* Sets *e and returns -1. Asserts that no error is pending in *e. */
int err_set(struct err *e, enum err_code code, struct src_pos pos, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
int err_setv(struct err *e, enum err_code code, struct src_pos pos, const char *fmt, va_list ap)
    __attribute__((format(printf, 4, 0)));
/* Adds ": strerror(errnum)" and picks ERR_NO_SPACE for ENOSPC, ERR_NOT_FOUND for ENOENT, else
 * ERR_IO. */
int err_set_errno(struct err *e, int errnum, struct src_pos pos, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Puts "outer: " in front of the message. Keeps the innermost position: pos_if_none counts only
 * when none is set. */
int err_wrap(struct err *e, struct src_pos pos_if_none, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Sets or replaces the hint; no-op when e is NULL. Returns -1, so it can end a failing line. */
int err_hint(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Moves *from to *to (when `to` is not NULL), leaves *from empty. Returns -1. */
int err_move(struct err *to, struct err *from);
void err_clear(struct err *e);
static inline bool err_pending(const struct err *e)
{
    return e && e->code != ERR_NONE;
}
static inline void cleanup_err(struct err *e)
{
    err_clear(e);
}

/* Returns a pointer to an immortal copy of name, the same for equal names. */
const char *err_intern_file(const char *name);

/* A capped list of independent mistakes, in the order they were found. Zero-initialise. */
#define DIAGS_MAX 20
enum diag_level { DIAG_ERROR, DIAG_WARNING, DIAG_NOTE };
struct diag {
    enum diag_level level;
    struct err err;
};
struct diags {
    struct diag *items;
    size_t count, cap;
    size_t errors;  /* number of DIAG_ERROR, also those not kept */
    size_t dropped; /* beyond DIAGS_MAX errors */
};

void diags_add(struct diags *d, enum diag_level level, struct src_pos pos, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* The same with a hint (may be NULL; borrowed). */
void diags_add_hint(struct diags *d, enum diag_level level, struct src_pos pos, const char *hint,
                    const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* Takes the error over and leaves *e empty. */
void diags_take(struct diags *d, struct err *e);
/* Sorts by file, line, column, then the order of arrival. */
void diags_sort(struct diags *d);
void diags_finish(struct diags *d);
static inline void cleanup_diags(struct diags *d)
{
    diags_finish(d);
}

/* The one printer:
 *     FILE:LINE:COL: error: MESSAGE
 *        14 |       tiemout: 30s
 *           |       ^~~~~~~
 *       hint: HINT
 * `source` is the text of the file, to show the line; NULL shows none. Bytes that could drive a
 * terminal are escaped. */
void err_print(FILE *out, const struct err *e, const char *source, size_t source_len);
void diag_print(FILE *out, const struct diag *d, const char *source, size_t source_len);
/* Prints all, and a last line when some were dropped. */
void diags_print(FILE *out, const struct diags *d, const char *source, size_t source_len);

/* "did you mean 'x'?" is said here alone (err_suggest.c; lint.text). Gives the error the hint that
 * names the candidate nearest to word; when none is near, `otherwise` (NULL: leaves it without).
 * Returns -1, so it can end a failing line. */
int err_suggest(struct err *e, const char *word, const char *const *candidates, size_t count,
                const char *otherwise);
/* The same hint as text, for diags_add_hint(). New; NULL when no candidate is near. */
char *err_suggestion(const char *word, const char *const *candidates, size_t count);
/* These two name all candidates when none is near and they are few: "known: a, b". */
int err_suggest_known(struct err *e, const char *word, const char *const *candidates, size_t count);
char *err_suggestion_known(const char *word, const char *const *candidates, size_t count);
/* The sentence for who has chosen already: "did you mean 'NEAR'REST?", where REST ("", or say ",
 * which a.yaml:3 starts") goes on. near NULL: REST alone is what may be meant. New. */
char *err_did_you_mean(const char *near, const char *rest);
/* The candidate alone, or NULL. Borrowed from candidates. */
const char *err_nearest(const char *word, const char *const *candidates, size_t count);
/* The candidate of which the word is a slip of one or two keys, and which is long enough to tell; NULL: it may as well be
 * a name of its own. */
const char *err_slip(const char *word, const char *const *candidates, size_t count);

#endif
