/* What type an expression gives, whatever its variables hold: found from its outermost parts, as
 * far as those say. Recursion follows the tree, whose height CEL_DEPTH_MAX bounds. */
#include <string.h>

#include "cel/functions.h"

/* Standard functions that give one type; those that are not here give what they are given. Sorted
 * by type. */
static const struct {
    const char *name;
    enum cel_type gives;
} results[] = {
    {"bool", CEL_BOOL},
    {"contains", CEL_BOOL},
    {"containsCIDR", CEL_BOOL},
    {"containsIP", CEL_BOOL},
    {"endsWith", CEL_BOOL},
    {"hasValue", CEL_BOOL},
    {"ip.isCanonical", CEL_BOOL},
    {"isCIDR", CEL_BOOL},
    {"isGlobalUnicast", CEL_BOOL},
    {"isGreaterThan", CEL_BOOL},
    {"isIP", CEL_BOOL},
    {"isInteger", CEL_BOOL},
    {"isLessThan", CEL_BOOL},
    {"isLinkLocalMulticast", CEL_BOOL},
    {"isLinkLocalUnicast", CEL_BOOL},
    {"isLoopback", CEL_BOOL},
    {"isQuantity", CEL_BOOL},
    {"isSorted", CEL_BOOL},
    {"isURL", CEL_BOOL},
    {"isUnspecified", CEL_BOOL},
    {"matches", CEL_BOOL},
    {"math.isFinite", CEL_BOOL},
    {"math.isInf", CEL_BOOL},
    {"math.isNaN", CEL_BOOL},
    {"sets.contains", CEL_BOOL},
    {"sets.equivalent", CEL_BOOL},
    {"sets.intersects", CEL_BOOL},
    {"startsWith", CEL_BOOL},
    {"asInteger", CEL_INT},
    {"compareTo", CEL_INT},
    {"int", CEL_INT},
    {"size", CEL_INT},
    {"uint", CEL_UINT},
    {"asApproximateFloat", CEL_DOUBLE},
    {"double", CEL_DOUBLE},
    {"charAt", CEL_STRING},
    {"find", CEL_STRING},
    {"format", CEL_STRING},
    {"getEscapedPath", CEL_STRING},
    {"getHost", CEL_STRING},
    {"getHostname", CEL_STRING},
    {"getPort", CEL_STRING},
    {"getScheme", CEL_STRING},
    {"join", CEL_STRING},
    {"lowerAscii", CEL_STRING},
    {"replace", CEL_STRING},
    {"string", CEL_STRING},
    {"strings.quote", CEL_STRING},
    {"substring", CEL_STRING},
    {"trim", CEL_STRING},
    {"upperAscii", CEL_STRING},
    {"bytes", CEL_BYTES},
    {"findAll", CEL_LIST},
    {"flatten", CEL_LIST},
    {"split", CEL_LIST},
    {"timestamp", CEL_TIMESTAMP},
    {"duration", CEL_DURATION},
    {"type", CEL_TYPE},
    {"quantity", CEL_QUANTITY},
    {"url", CEL_URL},
    {"ip", CEL_IP},
    {"cidr", CEL_CIDR},
};

/* CEL_ERROR stands for "not known". */
static enum cel_type of_node(const struct cel_env *env, const struct node *n);

static enum cel_type of_std(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(results); i++)
        if (strcmp(results[i].name, name) == 0)
            return results[i].gives;
    return CEL_ERROR;
}

static enum cel_type told(uint8_t gives)
{
    return gives ? (enum cel_type)(gives - 1) : CEL_ERROR;
}

static enum cel_type common(enum cel_type a, enum cel_type b)
{
    return a == b ? a : CEL_ERROR;
}

static enum cel_type of_binary(const struct cel_env *env, const struct node *n)
{
    if (n->op <= OP_IN)
        return CEL_BOOL;
    enum cel_type left = of_node(env, n->args[0]), right = of_node(env, n->args[1]);
    /* One side that is known is enough where both must be of it. */
    if (n->op == OP_ADD && (left == CEL_STRING || right == CEL_STRING))
        return CEL_STRING;
    return common(left, right);
}

static enum cel_type of_loop(const struct node *n)
{
    switch ((enum loop_op)n->op) {
    case LOOP_ALL:
    case LOOP_EXISTS:
    case LOOP_EXISTS_ONE:
        return CEL_BOOL;
    case LOOP_LIST:
        return CEL_LIST;
    case LOOP_MAP:
        return CEL_MAP;
    case LOOP_COUNT:
        break;
    }
    return CEL_ERROR;
}

static enum cel_type of_node(const struct cel_env *env, const struct node *n)
{
    switch ((enum node_kind)n->kind) {
    case NODE_CONST:
        return n->u.value.type;
    case NODE_HAS:
    case NODE_AND:
    case NODE_OR:
    case NODE_NOT:
        return CEL_BOOL;
    case NODE_NEGATE:
        return of_node(env, n->args[0]);
    case NODE_TERNARY:
        return common(of_node(env, n->args[1]), of_node(env, n->args[2]));
    case NODE_BINARY:
        return of_binary(env, n);
    case NODE_LIST:
        return CEL_LIST;
    case NODE_MAP:
        return CEL_MAP;
    case NODE_LOOP:
        return of_loop(n);
    case NODE_LET:
        return n->op == LET_BIND ? of_node(env, n->args[1]) : CEL_OPTIONAL;
    case NODE_OPTIONAL_OR:
        return n->op ? of_node(env, n->args[1]) : CEL_OPTIONAL;
    case NODE_CALL_STD:
        return of_std(n->u.call.std->name);
    case NODE_CALL_HOST:
        return told(n->u.host->gives);
    case NODE_VARIABLE:
        return told(env->variable_gives ? env->variable_gives[n->slot] : 0);
    case NODE_NAME:
    case NODE_LOCAL:
    case NODE_SELECT:
    case NODE_INDEX:
    case NODE_CALL:
    case NODE_UNKNOWN:
        break;
    }
    return CEL_ERROR;
}

enum cel_type cel_program_gives(const struct cel_program *p)
{
    return of_node(p->env, p->root);
}
