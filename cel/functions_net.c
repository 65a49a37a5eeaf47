/* Kubernetes' addresses and networks: ip('10.0.0.1'), cidr('10.0.0.0/8'). Both are kept as the text
 * that they are written with, in one form: what is equal is equal text. */
#include <arpa/inet.h>
#include <stdlib.h>

#include "cel/functions.h"

#define CIDR_TEXT (INET6_ADDRSTRLEN + 4)

struct address {
    uint8_t bytes[16];
    unsigned len; /* 4, 16 */
};

/* ---- reading and writing ---- */

/* What Go's netip reads, without zones and without IPv4 in IPv6. */
static bool read_address(const char *text, struct address *ret)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    ret->len = strchr(text, ':') ? 16 : 4;
    if (inet_pton(ret->len == 16 ? AF_INET6 : AF_INET, text, ret->bytes) != 1)
        return false;
    return ret->len == 4 || memcmp(ret->bytes, mapped, sizeof mapped) != 0;
}

static void write_address(const struct address *a, char out[INET6_ADDRSTRLEN])
{
    inet_ntop(a->len == 16 ? AF_INET6 : AF_INET, a->bytes, out, INET6_ADDRSTRLEN);
}

static bool read_network(const char *text, struct address *ret, unsigned *ret_bits)
{
    char head[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    size_t digits = slash ? strspn(slash + 1, "0123456789") : 0;

    if (!slash || (size_t)(slash - text) >= sizeof head || digits == 0 || digits > 3 ||
        slash[1 + digits] || (digits > 1 && slash[1] == '0'))
        return false;
    memcpy(head, text, (size_t)(slash - text));
    head[slash - text] = '\0';
    *ret_bits = (unsigned)strtoul(slash + 1, NULL, 10);
    return read_address(head, ret) && *ret_bits <= ret->len * 8;
}

/* The first bits stay. */
static void mask(struct address *a, unsigned bits)
{
    for (unsigned i = 0; i < a->len; i++) {
        unsigned left = bits > i * 8 ? bits - i * 8 : 0;

        if (left < 8)
            a->bytes[i] &= (uint8_t)(0xff00u >> left);
    }
}

static bool same_address(const struct address *a, const struct address *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* ---- values ---- */

static int give_ip(struct cel_context *c, const struct address *a, struct cel_value *ret)
{
    char text[INET6_ADDRSTRLEN];

    write_address(a, text);
    if (eval_text(c, text, strlen(text), ret) < 0)
        return -1;
    ret->type = CEL_IP;
    return 0;
}

static int give_cidr(struct cel_context *c, const struct address *a, unsigned bits,
                     struct cel_value *ret)
{
    char text[CIDR_TEXT], head[INET6_ADDRSTRLEN];

    write_address(a, head);
    snprintf(text, sizeof text, "%s/%u", head, bits);
    if (eval_text(c, text, strlen(text), ret) < 0)
        return -1;
    ret->type = CEL_CIDR;
    return 0;
}

/* An address, or the text of one. cel-spec takes an IPv4 address in IPv6 when it is written in hex,
 * and it is the IPv4 address then; Kubernetes takes none. */
static bool ip_of(const struct cel_context *c, const struct cel_value *v, struct address *ret)
{
    char text[INET6_ADDRSTRLEN];

    if ((v->type != CEL_IP && v->type != CEL_STRING) || !text_to_c(v, text, sizeof text))
        return false;
    if (read_address(text, ret))
        return true;
    if (!c->program->env->standard || strchr(text, '.') ||
        inet_pton(AF_INET6, text, ret->bytes) != 1)
        return false;
    memmove(ret->bytes, ret->bytes + 12, 4);
    ret->len = 4;
    return true;
}

static bool cidr_of(const struct cel_value *v, struct address *ret, unsigned *ret_bits)
{
    char text[CIDR_TEXT];

    return (v->type == CEL_CIDR || v->type == CEL_STRING) && text_to_c(v, text, sizeof text) &&
           read_network(text, ret, ret_bits);
}

static int fail_text(struct cel_context *c, const char *what, const struct cel_value *v)
{
    return eval_fail(c, ERR_INVALID, "%s \"%.*s\" parse error during conversion from string", what,
                     v->u.text.len > 60 ? 60 : (int)v->u.text.len, v->u.text.data);
}

/* ---- addresses ---- */

/* Of a text, or of a network. */
static int fn_ip(struct cel_context *c, size_t nargs, struct cel_value *args, struct cel_value *ret)
{
    struct address a;
    unsigned bits;

    if (args[0].type == CEL_CIDR && cidr_of(&args[0], &a, &bits))
        return give_ip(c, &a, ret);
    if (args[0].type != CEL_STRING)
        return eval_no_overload(c, nargs, args);
    if (!ip_of(c, &args[0], &a))
        return fail_text(c, "IP Address", &args[0]);
    return give_ip(c, &a, ret);
}

static int fn_is_ip(struct cel_context *c, size_t nargs, struct cel_value *args,
                    struct cel_value *ret)
{
    struct address a;

    if (args[0].type != CEL_STRING)
        return eval_no_overload(c, nargs, args);
    *ret = cel_bool(ip_of(c, &args[0], &a));
    return 0;
}

static int fn_is_canonical(struct cel_context *c, size_t nargs, struct cel_value *args,
                           struct cel_value *ret)
{
    char text[INET6_ADDRSTRLEN];
    struct address a;

    if (args[0].type != CEL_STRING)
        return eval_no_overload(c, nargs, args);
    if (!ip_of(c, &args[0], &a))
        return fail_text(c, "IP Address", &args[0]);
    write_address(&a, text);
    *ret = cel_bool(value_text_is(&args[0], text));
    return 0;
}

static int fn_family(struct cel_context *c, size_t nargs, struct cel_value *args,
                     struct cel_value *ret)
{
    struct address a;

    if (args[0].type != CEL_IP || !ip_of(c, &args[0], &a))
        return eval_no_overload(c, nargs, args);
    *ret = cel_int(a.len == 4 ? 4 : 6);
    return 0;
}

/* What addresses are for: the first bits of the networks that say so. */
enum purpose { UNSPECIFIED, LOOPBACK, LINK_MULTICAST, LINK_UNICAST, MULTICAST };

static bool is_for(const struct address *a, enum purpose p)
{
    static const char *const networks[][2] = {
        [UNSPECIFIED] = {"0.0.0.0/32", "::/128"},
        [LOOPBACK] = {"127.0.0.0/8", "::1/128"},
        [LINK_MULTICAST] = {"224.0.0.0/24", "ff02::/16"},
        [LINK_UNICAST] = {"169.254.0.0/16", "fe80::/10"},
        [MULTICAST] = {"224.0.0.0/4", "ff00::/8"},
    };
    struct address network, masked = *a;
    unsigned bits;

    if (!read_network(networks[p][a->len == 16], &network, &bits))
        return false;
    mask(&masked, bits);
    return same_address(&masked, &network);
}

/* The network of multicast addresses that stay on a link differs by a wild digit: ff?2. */
static bool is_link_multicast(const struct address *a)
{
    if (a->len == 16)
        return a->bytes[0] == 0xff && (a->bytes[1] & 0x0f) == 0x02;
    return is_for(a, LINK_MULTICAST);
}

static bool is_global(const struct address *a)
{
    static const struct address broadcast = {{255, 255, 255, 255}, 4};

    return !is_for(a, UNSPECIFIED) && !is_for(a, LOOPBACK) && !is_for(a, MULTICAST) &&
           !is_for(a, LINK_UNICAST) && !same_address(a, &broadcast);
}

static int ask(struct cel_context *c, size_t nargs, struct cel_value *args, struct cel_value *ret,
               enum purpose p)
{
    struct address a;

    if (args[0].type != CEL_IP || !ip_of(c, &args[0], &a))
        return eval_no_overload(c, nargs, args);
    *ret = cel_bool(p == LINK_MULTICAST ? is_link_multicast(&a) : is_for(&a, p));
    return 0;
}

/* One question, asked of an address. */
#define DEFINE_ASK(name, purpose)                                                                  \
    static int name(struct cel_context *c, size_t nargs, struct cel_value *args,                   \
                    struct cel_value *ret)                                                         \
    {                                                                                              \
        return ask(c, nargs, args, ret, purpose);                                                  \
    }

DEFINE_ASK(fn_is_unspecified, UNSPECIFIED)
DEFINE_ASK(fn_is_loopback, LOOPBACK)
DEFINE_ASK(fn_is_link_multicast, LINK_MULTICAST)
DEFINE_ASK(fn_is_link_unicast, LINK_UNICAST)

static int fn_is_global_unicast(struct cel_context *c, size_t nargs, struct cel_value *args,
                                struct cel_value *ret)
{
    struct address a;

    if (args[0].type != CEL_IP || !ip_of(c, &args[0], &a))
        return eval_no_overload(c, nargs, args);
    *ret = cel_bool(is_global(&a));
    return 0;
}

/* ---- networks ---- */

static int fn_cidr(struct cel_context *c, size_t nargs, struct cel_value *args,
                   struct cel_value *ret)
{
    struct address a;
    unsigned bits;

    if (args[0].type != CEL_STRING)
        return eval_no_overload(c, nargs, args);
    if (!cidr_of(&args[0], &a, &bits))
        return fail_text(c, "network address", &args[0]);
    return give_cidr(c, &a, bits, ret);
}

static int fn_is_cidr(struct cel_context *c, size_t nargs, struct cel_value *args,
                      struct cel_value *ret)
{
    struct address a;
    unsigned bits;

    if (args[0].type != CEL_STRING)
        return eval_no_overload(c, nargs, args);
    *ret = cel_bool(cidr_of(&args[0], &a, &bits));
    return 0;
}

static int fn_contains_ip(struct cel_context *c, size_t nargs, struct cel_value *args,
                          struct cel_value *ret)
{
    struct address net, a;
    unsigned bits;

    if (args[0].type != CEL_CIDR || !cidr_of(&args[0], &net, &bits) ||
        (args[1].type != CEL_IP && args[1].type != CEL_STRING))
        return eval_no_overload(c, nargs, args);
    if (!ip_of(c, &args[1], &a))
        return fail_text(c, "IP Address", &args[1]);
    mask(&net, bits);
    mask(&a, bits);
    *ret = cel_bool(same_address(&net, &a));
    return 0;
}

static int fn_contains_cidr(struct cel_context *c, size_t nargs, struct cel_value *args,
                            struct cel_value *ret)
{
    struct address net, a;
    unsigned bits, inner;

    if (args[0].type != CEL_CIDR || !cidr_of(&args[0], &net, &bits) ||
        (args[1].type != CEL_CIDR && args[1].type != CEL_STRING))
        return eval_no_overload(c, nargs, args);
    if (!cidr_of(&args[1], &a, &inner))
        return fail_text(c, "network address", &args[1]);
    mask(&net, bits);
    mask(&a, bits);
    *ret = cel_bool(same_address(&net, &a) && bits <= inner);
    return 0;
}

static int fn_masked(struct cel_context *c, size_t nargs, struct cel_value *args,
                     struct cel_value *ret)
{
    struct address a;
    unsigned bits;

    if (args[0].type != CEL_CIDR || !cidr_of(&args[0], &a, &bits))
        return eval_no_overload(c, nargs, args);
    mask(&a, bits);
    return give_cidr(c, &a, bits, ret);
}

static int fn_prefix_length(struct cel_context *c, size_t nargs, struct cel_value *args,
                            struct cel_value *ret)
{
    struct address a;
    unsigned bits;

    if (args[0].type != CEL_CIDR || !cidr_of(&args[0], &a, &bits))
        return eval_no_overload(c, nargs, args);
    *ret = cel_int(bits);
    return 0;
}

static const struct cel_std rows[] = {
    {"ip", STD_GLOBAL, 1, 1, STD_LITERAL, fn_ip, "string->net.IP", 30, COST_TEXT},
    {"ip", STD_MEMBER, 1, 1, STD_LITERAL, fn_ip, "net.CIDR->net.IP", 30, COST_CALL},
    {"isIP", STD_GLOBAL, 1, 1, 0, fn_is_ip, "string->bool", 30, COST_TEXT},
    {"ip.isCanonical", STD_GLOBAL, 1, 1, 0, fn_is_canonical, "string->bool", 30, COST_TEXT_TWICE},
    {"family", STD_MEMBER, 1, 1, 0, fn_family, "net.IP->int", 30, COST_CALL},
    {"isUnspecified", STD_MEMBER, 1, 1, 0, fn_is_unspecified, "net.IP->bool", 30, COST_CALL},
    {"isLoopback", STD_MEMBER, 1, 1, 0, fn_is_loopback, "net.IP->bool", 30, COST_CALL},
    {"isLinkLocalMulticast", STD_MEMBER, 1, 1, 0, fn_is_link_multicast, "net.IP->bool", 30,
     COST_CALL},
    {"isLinkLocalUnicast", STD_MEMBER, 1, 1, 0, fn_is_link_unicast, "net.IP->bool", 30, COST_CALL},
    {"isGlobalUnicast", STD_MEMBER, 1, 1, 0, fn_is_global_unicast, "net.IP->bool", 30, COST_CALL},
    {"cidr", STD_GLOBAL, 1, 1, STD_LITERAL, fn_cidr, "string->net.CIDR", 30, COST_TEXT},
    {"isCIDR", STD_GLOBAL, 1, 1, 0, fn_is_cidr, "string->bool", 30, COST_TEXT},
    {"containsIP", STD_MEMBER, 2, 2, 0, fn_contains_ip,
     "net.CIDR,net.IP->bool;net.CIDR,string->bool", 30, COST_CONTAINS_IP},
    {"containsCIDR", STD_MEMBER, 2, 2, 0, fn_contains_cidr,
     "net.CIDR,net.CIDR->bool;net.CIDR,string->bool", 30, COST_CONTAINS_CIDR},
    {"masked", STD_MEMBER, 1, 1, 0, fn_masked, "net.CIDR->net.CIDR", 30, COST_CALL},
    {"prefixLength", STD_MEMBER, 1, 1, 0, fn_prefix_length, "net.CIDR->int", 30, COST_CALL},
};

const struct std_family std_net = {.rows = rows, .count = ARRAY_LEN(rows)};
