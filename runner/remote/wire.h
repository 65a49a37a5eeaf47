/* The control socket between the world and the process of a component: frames with a head, a JSON
 * text and bytes.
 *
 * One side speaks at a time. The world resumes a task and then listens until that task makes its
 * next call; the process runs that task and then listens for the next resume. So the world stands
 * still while a component's code runs, and nothing depends on how fast that is. */
#ifndef VMCONFORM_RUNNER_REMOTE_WIRE_H
#define VMCONFORM_RUNNER_REMOTE_WIRE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

#define WIRE_BLOB_MAX (64u << 20)
#define WIRE_TASKS_MAX (1u << 20) /* of a process, ended ones too */

/* What a task asks for. With what (->) the resume that ends it says. Errors are {error: {code, msg,
 * hint?}}. REQUEST is method, target, headers, body; ANSWER is code, headers, body: headers a list
 * of [name, value], body whether there is one. */
enum wire_op {
    WIRE_START,         /* from the world: {component, config, tag, socket}; task 0 begins */
    WIRE_RESUME,        /* from the world */
    WIRE_SPAWN,         /* {id, name} */
    WIRE_END,           /* {ok, error?}; no resume follows */
    WIRE_SLEEP,         /* {ns} -> {wait} */
    WIRE_EVENT_CREATE,  /* {name} -> {id} */
    WIRE_EVENT_DESTROY, /* {id} */
    WIRE_EVENT_SIGNAL,  /* {id} */
    WIRE_EVENT_WAIT,    /* {id, until} -> {wait} */
    WIRE_PRNG,          /* {label} -> bytes: a struct prng */
    WIRE_HTTP,          /* {cluster?}, and an HTTP request -> {} or {watch}, and an HTTP answer */
    WIRE_WATCH_NEXT,    /* {id, until} -> {wait, event, ended}; the event comes by HTTP */
    WIRE_WATCH_CLOSE,   /* {id} */
    WIRE_FILE_OPEN,     /* {path, mode} -> {id} */
    WIRE_FILE_READ,     /* {id, offset, len} -> bytes */
    WIRE_FILE_WRITE,    /* {id, offset}, bytes */
    WIRE_FILE_SYNC,     /* {id} */
    WIRE_FILE_TRUNCATE, /* {id, size} */
    WIRE_FILE_ZERO,     /* {id, offset, len} */
    WIRE_FILE_CLOSE,    /* {id} */
    WIRE_FILE_STAT,     /* {path} -> {size, regular, directory, block} */
    WIRE_FILE_RENAME,   /* {path, to} */
    WIRE_FILE_REMOVE,   /* {path} */
    WIRE_MAKE_DIR,      /* {path} */
    WIRE_SYNC_DIR,      /* {path} */
    WIRE_LIST_DIR,      /* {path} -> {names} */
    WIRE_OBJECT_GET,    /* {bucket, key, max} -> {version}, bytes */
    WIRE_OBJECT_SIZE,   /* {bucket, key} -> {size} */
    WIRE_OBJECT_READ,   /* {bucket, key, offset, len} -> bytes */
    WIRE_OBJECT_PUT,    /* {bucket, key, only_if?}, bytes */
    WIRE_OBJECT_FILE,   /* {bucket, key, id} */
    WIRE_OBJECT_DELETE, /* {bucket, key, only_if?} */
    WIRE_OBJECT_LIST,   /* {bucket, prefix} -> {names} */
    WIRE_PROGRAM,       /* {argv, dir?, stdout_max, deadline, files_max}
                           -> {exit, signal, out_len}, bytes: both outputs in a row */
    WIRE_LOG,           /* {level, message} */
    WIRE_SERVICE_OPEN,  /* {service} */
    WIRE_SERVE,         /* from the world: {service, exchange, REQUEST}, its body; a task begins */
    WIRE_REPLY,         /* {exchange, ANSWER}, its body; so is the head of one that streams: */
    WIRE_REPLY_BEGIN,   /* {exchange, ANSWER} */
    WIRE_REPLY_MORE,    /* {exchange}, bytes */
    WIRE_REPLY_WAIT,    /* {exchange, id, until} -> {wait, gone} */
    WIRE_SERVICE_CALL,  /* {service, REQUEST}, its body -> {ANSWER}, its body */
    WIRE_STREAM_OPEN,   /* the same -> {id}; or {ANSWER}, its body */
    WIRE_STREAM_NEXT,   /* {id, until} -> {wait, ended}, bytes */
    WIRE_STREAM_CLOSE,  /* {id} */
    WIRE_OP_COUNT
};

/* Zero-initialise. */
struct wire_message {
    enum wire_op op;
    uint32_t task;
    bool crashed;   /* from the world: the process has crashed */
    bool stopping;  /* from the world: it shall end in good order */
    int64_t now_ns; /* from the world: what the clock reads */
    json_t *json;   /* an object; NULL: {} */
    char *blob;
    size_t blob_len;
};
void wire_finish(struct wire_message *m);
static inline void cleanup_wire(struct wire_message *m)
{
    wire_finish(m);
}

/* Both wait for the other side, at most wait_ms for each piece (-1: for ever). The end of the
 * stream is ERR_NOT_FOUND, what is no frame ERR_CORRUPT. ret must be zeroed. */
int wire_send(int fd, const struct wire_message *m, int wait_ms, struct err *reterr);
int wire_receive(int fd, struct wire_message *ret, int wait_ms, struct err *reterr);

/* An error as JSON and back. Texts that are no UTF-8 lose what is wrong. */
void wire_put_error(struct wire_message *m, const struct err *e);
/* -1 with the error when the message carries one, else 0. */
int wire_take_error(const struct wire_message *m, struct err *reterr);
/* A JSON string of any text. New. */
json_t *wire_text(const char *text);

#endif
