/* The Common Expression Language over JSON values: compile once, evaluate many, no copies of JSON.
 *
 * Values are small tagged unions; JSON inside them is borrowed from the activation. Whatever an
 * evaluation makes (strings, lists, maps) lives in an arena that cel_eval resets, so a result is
 * valid until the next cel_eval with the same context. */
#ifndef VMCONFORM_CEL_CEL_H
#define VMCONFORM_CEL_CEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/src_run.h"
#include "cel/static_type.h"

#define CEL_TEXT_MAX (64u << 10)  /* bytes of an expression */
#define CEL_DEPTH_MAX 100         /* nesting of an expression */
#define CEL_COST_DEFAULT 1000000u /* of one evaluation, as Kubernetes counts */
#define CEL_ARGS_MAX 8

enum cel_type {
    CEL_NULL,
    CEL_BOOL,
    CEL_INT,
    CEL_UINT,
    CEL_DOUBLE,
    CEL_STRING,
    CEL_BYTES,
    CEL_LIST,
    CEL_MAP,
    CEL_TIMESTAMP, /* .time, of the years 1 to 9999 */
    CEL_DURATION,  /* ns in .integer */
    CEL_TYPE,
    CEL_OPTIONAL,
    CEL_QUANTITY, /* kubernetes.Quantity */
    CEL_URL,      /* these four as text, in one form */
    CEL_IP,
    CEL_CIDR,
    CEL_FORMAT,
    CEL_ERROR,
    CEL_TYPE_COUNT
};

struct cel_list; /* opaque: arena lists, or borrowed JSON arrays */
struct cel_map;
struct quantity; /* kube/quantity.h */

struct cel_value {
    enum cel_type type;
    union {
        bool boolean;
        int64_t integer;
        uint64_t uinteger;
        double real;
        struct {
            int64_t seconds; /* since 1970 */
            int32_t nanos;   /* 0 to 999999999, whatever the sign of the seconds */
        } time;
        struct {
            const char *data; /* not necessarily NUL-terminated */
            size_t len;
        } text;             /* CEL_STRING, CEL_BYTES, CEL_URL to CEL_FORMAT; CEL_TYPE: its name */
        const json_t *json; /* CEL_LIST and CEL_MAP when is_json */
        struct cel_list *list;
        struct cel_map *map;
        const struct cel_value *optional; /* NULL: none */
        const struct quantity *quantity;
    } u;
    bool is_json;
};

struct cel_context; /* arena, cost, error; one per evaluating actor, reusable */
struct cel_context *cel_context_create(void);
void cel_context_destroy(struct cel_context *c);
DEFINE_CLEANUP(struct cel_context, cel_context, cel_context_destroy);

/* A host function. Arguments are evaluated; a CEL_ERROR argument never reaches it. Returns 0, or -1
 * with *reterr set (the evaluator adds the column). Results may use cel_string()/cel_json()/...
 * with the context's arena. */
typedef int cel_fn(void *cookie, struct cel_context *c, size_t nargs, const struct cel_value *args,
                   struct cel_value *ret, struct err *reterr);
struct cel_function {
    const char *name;
    bool member;                /* called as target.name(args): args[0] is the target */
    uint8_t args_min, args_max; /* counting the target */
    cel_fn *fn;
};

/* What an expression may use. All arrays are borrowed and must outlive the programs compiled with
 * them. */
struct cel_env {
    const char *const *variables; /* NULL-terminated names */
    const struct cel_function *const *functions;
    size_t function_count;
    /* "a.b": the name c may be a.b.c, a.c or c, the longest that is known (cel-spec, name
     * resolution). NULL: none. */
    const char *container;
    /* cel-spec's extensions that Kubernetes lacks: math, encoders, cel.block(), fields in
     * backticks, and its rule where both have one. */
    bool standard;
    /* Nothing is known for sure at compile time: a name or a function that is nobody's is an error
     * of the evaluation, which && and || absorb. */
    bool unchecked;
    /* A field whose value is null is not there: rules of custom resources. */
    bool nulls_are_absent;
    /* Types are checked as cel-go does, before anything runs; messages of the compiler and their
     * places are cel-go's. Not where `unchecked` is set. */
    bool typed;
    /* With `typed`: list and map literals of different types are errors, as in Kubernetes. */
    bool homogeneous;
    const struct cel_static_type *const *variable_types; /* as variables; NULL, a NULL: dyn */
    /* The overloads of the functions, as functions; a NULL, or no array: anything goes in, and dyn
     * comes out. "string,int->list(A);...", the target first; a capital letter is any type, other
     * names are as for cel_type_parse() with object_types (NULL-terminated, or NULL). */
    const char *const *function_types;
    const struct cel_static_type *const *object_types;
    /* 27 and so on: only what Kubernetes 1.27 has. 0: everything. */
    unsigned kubernetes_minor;
};

struct cel_program;
/* pos: where the text stands in its file; an error's column is pos.col + offset when the text is
 * one plain line. Unknown identifiers, unknown functions, wrong argument counts and bad literals
 * (also regular expressions) are compile errors, with a hint when a known name is near. */
struct cel_program *cel_compile(const char *text, const struct cel_env *env, struct src_pos pos,
                                struct err *reterr);
/* The tree alone, as it was written: cel/ast.h shows it. Names and functions mean nothing yet
 * (has() and the macros are nodes of their own), and it cannot be evaluated. For those who read a
 * part of the language as something else; text may hold any bytes. */
struct cel_program *cel_parse(const char *text, size_t len, struct src_pos pos, struct err *reterr);
/* The same for a text that may hold any bytes. */
struct cel_program *cel_compile_bytes(const char *text, size_t len, const struct cel_env *env,
                                      struct src_pos pos, struct err *reterr);
/* The same for a text whose place is told by runs, counted from its first byte; copied. */
struct cel_program *cel_compile_runs(const char *text, const struct cel_env *env,
                                     struct src_pos pos, const struct src_run *runs,
                                     size_t run_count, struct err *reterr);
/* cel_compile() for those who show mistakes as cel-go and so Kubernetes' API do: on NULL *ret_text
 * is new, "ERROR: <input>:1:6: undeclared reference to 'x' (in container '')\n | foo(x)\n |
 * ....^". It holds one mistake, the first; cel-go lists all. */
struct cel_program *cel_compile_shown(const char *text, const struct cel_env *env, char **ret_text);
void cel_program_destroy(struct cel_program *p);
DEFINE_CLEANUP(struct cel_program, cel_program, cel_program_destroy);
const char *cel_program_text(const struct cel_program *p);
struct src_pos cel_program_pos(const struct cel_program *p);
/* What the checker deduced for the result; dyn where nothing was checked. Lives with the program.
 */
const struct cel_static_type *cel_program_type(const struct cel_program *p);
/* True when the program mentions the variable. */
bool cel_program_uses(const struct cel_program *p, const char *variable);

/* What a program names in so many words, for those who hold names against what there is. */
struct cel_literal {
    const char *text; /* borrowed for the call; NULL: no literal text stands there */
    struct src_pos pos;
};
struct cel_call { /* of a function of the environment */
    const char *function;
    size_t count;
    struct cel_literal args[CEL_ARGS_MAX];
};
struct cel_visitor { /* members may be NULL */
    void (*call)(void *cookie, const struct cel_call *call);
    /* VARIABLE.FIELD is compared with a literal text: ==, !=, in a list. */
    void (*compared)(void *cookie, const char *variable, const char *field,
                     const struct cel_literal *with);
    void *cookie;
};
void cel_program_visit(const struct cel_program *p, const struct cel_visitor *v);

/* Values of the variables, in the order of env->variables; json NULL with has_value false is "not
 * bound": using it is an error "no value for 'oldSelf'" that && and || absorb as any other error.
 */
struct cel_lazy {
    /* Gives the value when it is first needed, and again each time after; it outlives the
     * evaluation. *ret_cost: what that has cost, charged to who asked; 0 at first. 0, or -1 with
     * *reterr. */
    int (*force)(void *cookie, struct cel_value *ret, uint64_t *ret_cost, struct err *reterr);
    void *cookie;
};
struct cel_binding {
    const json_t *json;            /* borrowed; or */
    const struct cel_value *value; /* or */
    const struct cel_lazy *lazy;
};

/* Evaluates. 0 and *ret on success (never CEL_ERROR); -1 with *reterr, whose message is "column N:
 * ..." free: position is in reterr->pos. cookie is handed to host functions. cost_max (0:
 * CEL_COST_DEFAULT) is in the units that Kubernetes limits: over it the evaluation fails with
 * ERR_LIMIT, "operation cancelled: actual cost limit exceeded". */
int cel_eval(const struct cel_program *p, struct cel_context *c, const struct cel_binding *bindings,
             void *cookie, uint64_t cost_max, struct cel_value *ret, struct err *reterr);
/* Evaluates and demands a bool. */
int cel_eval_bool(const struct cel_program *p, struct cel_context *c,
                  const struct cel_binding *bindings, void *cookie, uint64_t cost_max, bool *ret,
                  struct err *reterr);
/* Charges the evaluation, from a host function, beside the 1 of its call: 0, or -1 with *reterr
 * when it has had enough. */
int cel_charge(struct cel_context *c, uint64_t units, struct err *reterr);
/* Of the last evaluation, also one that failed, in units of Kubernetes (cel/cost.h). */
uint64_t cel_context_cost(const struct cel_context *c);

/* Making values. Strings and bytes are copied into the arena. json is borrowed: it must live as
 * long as the result is used. */
struct cel_value cel_null(void);
struct cel_value cel_bool(bool v);
struct cel_value cel_int(int64_t v);
struct cel_value cel_double(double v);
struct cel_value cel_string(struct cel_context *c, const char *s, size_t len);
struct cel_value cel_timestamp(int64_t ns);
struct cel_value cel_duration(int64_t ns);
/* A JSON value as CEL sees it: integers int, reals double, objects maps. Borrowed. */
struct cel_value cel_json(const json_t *json);
/* The same, and the context keeps a reference until the next evaluation (steals the caller's). */
struct cel_value cel_json_take(struct cel_context *c, json_t *json);
/* New JSON of a value: timestamps and durations as text, bytes as base64, types and optionals as
 * text. NULL never. */
json_t *cel_to_json(const struct cel_value *v);
/* The value as one would write it in CEL, for messages; cut to about max characters. New. */
char *cel_show(const struct cel_value *v, size_t max);
const char *cel_type_name(
    enum cel_type type); /* "null_type", "int", "google.protobuf.Timestamp", ... */
bool cel_equal(const struct cel_value *a, const struct cel_value *b);

#endif
