/* Words of an expression. */
#ifndef VMCONFORM_CEL_LEXER_H
#define VMCONFORM_CEL_LEXER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cel/arena.h"
#include "cel/source.h"

enum token_kind {
    TOKEN_END,
    TOKEN_NAME,
    TOKEN_QUOTED,   /* a field's name in backticks */
    TOKEN_RESERVED, /* a name that only a field may have: for, namespace, ... */
    TOKEN_INT,
    TOKEN_UINT,
    TOKEN_DOUBLE,
    TOKEN_STRING,
    TOKEN_BYTES,
    TOKEN_TRUE,
    TOKEN_FALSE,
    TOKEN_NULL,
    TOKEN_IN,
    TOKEN_EQ,
    TOKEN_NE,
    TOKEN_LT,
    TOKEN_LE,
    TOKEN_GT,
    TOKEN_GE,
    TOKEN_AND,
    TOKEN_OR,
    TOKEN_ADD,
    TOKEN_SUB,
    TOKEN_MUL,
    TOKEN_DIV,
    TOKEN_MOD,
    TOKEN_NOT,
    TOKEN_QUESTION,
    TOKEN_COLON,
    TOKEN_COMMA,
    TOKEN_DOT,
    TOKEN_OPEN_PAREN,
    TOKEN_CLOSE_PAREN,
    TOKEN_OPEN_BRACKET,
    TOKEN_CLOSE_BRACKET,
    TOKEN_OPEN_BRACE,
    TOKEN_CLOSE_BRACE
};

struct token {
    enum token_kind kind;
    uint32_t start, end;
    bool too_large; /* TOKEN_INT, TOKEN_UINT: does not fit 64 bits */
    union {
        uint64_t magnitude; /* the sign is the parser's: -9223372036854775808 is one literal */
        double real;
        struct {
            const char *data;
            size_t len;
        } text; /* decoded literals in the arena; names in the source */
    } u;
};

struct lexer {
    const struct source *source;
    struct arena *arena;
    uint32_t at;
};

int lexer_next(struct lexer *l, struct token *ret, struct err *reterr);

#endif
