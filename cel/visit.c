/* What an expression names in so many words: the literal arguments of the host's functions, and the
 * literal texts that members of a variable are compared with. Recursion follows the tree, whose
 * height CEL_DEPTH_MAX bounds. */
#include "cel/ast.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"

struct visit {
    const struct cel_program *p;
    const struct cel_visitor *v;
};

static bool is_text(const struct node *n)
{
    return n->kind == NODE_CONST && n->u.value.type == CEL_STRING;
}

/* New; NULL: it is no literal text, or one that no C string can hold. */
static char *text_of(const struct node *n)
{
    const struct cel_value *v = &n->u.value;

    if (!is_text(n) || memchr(v->u.text.data, '\0', v->u.text.len))
        return NULL;
    return mem_strndup(v->u.text.data, v->u.text.len);
}

static void visit_call(const struct visit *x, const struct node *n)
{
    struct cel_call call = {.function = n->u.host->name, .count = n->count};
    char *texts[CEL_ARGS_MAX] = {0};

    if (!x->v->call || n->count > CEL_ARGS_MAX)
        return;
    for (uint32_t i = 0; i < n->count; i++) {
        texts[i] = text_of(n->args[i]);
        call.args[i] =
            (struct cel_literal){texts[i], source_pos(&x->p->source, n->args[i]->offset)};
    }
    x->v->call(x->v->cookie, &call);
    for (uint32_t i = 0; i < n->count; i++)
        free(texts[i]);
}

static void tell_compared(const struct visit *x, const struct node *member, const char *text,
                          uint32_t offset)
{
    AUTO(str) char *field = mem_strndup(member->name, member->name_len);
    struct cel_literal literal = {text, source_pos(&x->p->source, offset)};

    if (text)
        x->v->compared(x->v->cookie, x->p->env->variables[member->args[0]->slot], field, &literal);
}

/* A list of literals has been folded into one, which has one place. */
static void tell_list(const struct visit *x, const struct node *member, const struct node *list)
{
    AUTO(json) json_t *folded = NULL;
    size_t i;
    json_t *item;

    for (uint32_t k = 0; list->kind == NODE_LIST && k < list->count; k++) {
        AUTO(str) char *text = text_of(list->args[k]);

        tell_compared(x, member, text, list->args[k]->offset);
    }
    if (list->kind != NODE_CONST || list->u.value.type != CEL_LIST)
        return;
    folded = cel_to_json(&list->u.value);
    json_array_foreach(folded, i, item)
        tell_compared(x, member, json_string_value(item), list->offset);
}

/* VARIABLE.FIELD == 'text', either way round; `in` a list of texts. */
static void visit_compared(const struct visit *x, const struct node *n)
{
    const struct node *a = n->args[0], *b = n->args[1];
    AUTO(str) char *text = NULL;

    if (!x->v->compared || (n->op != OP_EQ && n->op != OP_NE && n->op != OP_IN))
        return;
    if (n->op != OP_IN && is_text(a))
        a = n->args[1], b = n->args[0];
    if (a->kind != NODE_SELECT || a->args[0]->kind != NODE_VARIABLE)
        return;
    text = text_of(b);
    if (n->op == OP_IN)
        tell_list(x, a, b);
    else
        tell_compared(x, a, text, b->offset);
}

static void visit_node(const struct visit *x, const struct node *n)
{
    if (n->kind == NODE_CALL_HOST)
        visit_call(x, n);
    else if (n->kind == NODE_BINARY)
        visit_compared(x, n);
    for (uint32_t i = 0; i < n->count; i++)
        visit_node(x, n->args[i]); /* with what loops evaluate */
}

void cel_program_visit(const struct cel_program *p, const struct cel_visitor *v)
{
    const struct visit x = {p, v};

    visit_node(&x, p->root);
}
