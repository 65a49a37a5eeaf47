/* Parsing of scenario and fixture files; visible inside runner/ only. */
#ifndef VMCONFORM_RUNNER_PARSE_PRIV_H
#define VMCONFORM_RUNNER_PARSE_PRIV_H

#include "runner/scenario.h"
#include "runner/shape.h"

struct parser {
    struct library *library;
    struct unit *unit;
    const struct yaml_doc *doc;
    struct diags *diags;
    unsigned depth;     /* of fixtures that include fixtures */
    bool givens_broken; /* templates may be missing because their fixture is: say it once */
};

/* Each parses one node; false (or NULL) after errors went to the diags. `scope` says which names
 * expressions may use. */
bool parse_steps(struct parser *p, const struct yaml_node *list, const struct scope *scope,
                 struct steps *ret);
void steps_finish(struct steps *s);
bool parse_templates(struct parser *p, const struct yaml_node *map);
void template_def_destroy(struct template_def *t);
/* The template `name` of the unit or of a fixture that it includes; NULL when there is none. */
struct template_def *find_template(const struct unit *u, const char *name);

bool parse_givens(struct parser *p, const struct yaml_node *list);
void givens_finish(struct unit *u);

bool parse_laws(struct parser *p, const struct yaml_node *list, bool never, struct laws *ret);
void laws_finish(struct laws *l);
bool parse_conditions(struct parser *p, const struct yaml_node *list, struct conditions *ret);
void conditions_finish(struct conditions *c);
struct condition *parse_condition(struct parser *p, const struct yaml_node *node,
                                  const struct scope *scope);
void condition_destroy(struct condition *c);
struct selector_on *parse_selector(struct parser *p, const struct yaml_node *node,
                                   const struct scope *scope, bool in_step);
void selector_on_destroy(struct selector_on *s);

/* More would fill BINDINGS_MAX of template.c. */
#define SCOPE_NAMES_MAX 48

/* The keys of a map of variables or parameters are legal names that `scope` does not have yet. */
bool legal_variable(const char *name);
bool parse_variable_names(struct parser *p, const struct yaml_node *map, const struct scope *scope);

/* The matrix, and the variables or parameters, of a spec: names that expressions may use from then
 * on. */
bool parse_names(struct parser *p, const struct yaml_node *spec);

/* A file and all that it includes; NULL after errors went to diags. */
struct unit *unit_load(struct library *l, const char *path, bool is_fixture, unsigned depth,
                       struct diags *diags);
/* The fixture `name`, loaded once; NULL after a diagnosis at pos. */
struct unit *library_fixture(struct parser *p, const char *name, struct src_pos pos);

/* Compiles the member `key` of a map, when it is there. false after errors. */
bool parse_member(struct parser *p, const struct yaml_node *map, const char *key,
                  const struct scope *scope, struct tmpl **ret);

#endif
