/* The resolver: what a backup declares about one to four files, and the files. A chain that is
 * resolved is one by its declarations too, as this target reads them by itself. */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "fuzz/qcow2_fuzz.h"
#include "qcow2/resolve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const ids[] = {NULL, "a", "b", "c", "d", "e"};
/* Of the same backup, but of no layer here. */
static const char *const known[] = {"e", "f"};

struct declarations {
    struct qcow2_declared layers[FUZZ_LAYERS_MAX];
    char digests[FUZZ_LAYERS_MAX][DIGEST_HEX];
};

static void declare_length(struct qcow2_declared *d, const struct fuzz_layer *l)
{
    switch (l->checks & 3) {
    case 1:
        d->length = l->len;
        return;
    case 2:
        d->length = l->len + 1;
        return;
    default:
        d->length = QCOW2_LENGTH_UNKNOWN;
    }
}

static void declare_digest(struct qcow2_declared *d, const struct fuzz_layer *l, char *hex)
{
    if ((l->checks >> 2 & 3) == 0)
        return;
    digest_of(l->bytes, l->len, hex);
    if ((l->checks >> 2 & 3) == 2)
        hex[7] = hex[7] == '0' ? '1' : '0';
    if ((l->checks >> 2 & 3) == 3)
        hex[63] = '\0';
    d->sha256 = hex;
}

static void declare(struct declarations *d, const struct fuzz_input *input)
{
    for (size_t i = 0; i < input->count; i++) {
        const struct fuzz_layer *l = &input->layers[i];
        d->layers[i] = (struct qcow2_declared){.name = "layer",
                                               .id = ids[l->id % (ARRAY_LEN(ids) - 1)],
                                               .parent = ids[l->parent % ARRAY_LEN(ids)],
                                               .type = (enum qcow2_declared_type)(l->type % 3)};
        declare_length(&d->layers[i], l);
        declare_digest(&d->layers[i], l, d->digests[i]);
    }
}

/* What no resolved chain may contradict. */
static void check_declared(const struct declarations *d, const struct fuzz_input *input)
{
    for (size_t i = 0; i < input->count; i++) {
        const struct qcow2_declared *l = &d->layers[i];
        fuzz_expect((input->layers[i].checks & 3) != 2, "a wrong length is refused", i, 0);
        fuzz_expect((input->layers[i].checks >> 2 & 3) < 2, "a wrong digest is refused", i, 0);
        fuzz_expect(i > 0 || l->type != QCOW2_DECLARED_INCREMENT, "the first is no increment", i,
                    l->type);
        fuzz_expect(i == 0 || l->type != QCOW2_DECLARED_FULL, "a later one is not full", i,
                    l->type);
        if (i > 0 && l->id && l->parent && d->layers[i - 1].id)
            fuzz_expect(strcmp(l->parent, d->layers[i - 1].id) == 0, "the parent comes before", i,
                        0);
        for (size_t k = 0; k < i; k++)
            fuzz_expect(!l->id || !d->layers[k].id || strcmp(l->id, d->layers[k].id) != 0,
                        "no id twice", k, i);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input;
    struct declarations d = {0};
    struct qcow2_io *ios[FUZZ_LAYERS_MAX];
    fuzz_input_parse(&input, data, size);
    declare(&d, &input);
    struct qcow2_fault f = {0};
    int alone = fuzz_answer(qcow2_declared_check(d.layers, input.count, NULL, 0, &f), &f);
    int among =
        fuzz_answer(qcow2_declared_check(d.layers, input.count, known, ARRAY_LEN(known), &f), &f);
    fuzz_expect(alone == 0 || among < 0, "who knows more accepts no more", 0, 0);
    for (size_t i = 0; i < input.count; i++)
        ios[i] = qcow2_io_memory(input.layers[i].bytes, input.layers[i].len, "layer");
    struct qcow2_policy policy = fuzz_policy(input.flags);
    struct qcow2_chain_options options = fuzz_chain_options(input.flags);
    AUTO(qcow2_chain)
    struct qcow2_chain *chain = qcow2_resolve(d.layers, ios, input.count, &policy, &options, &f);
    fuzz_answer(chain ? 0 : -1, &f);
    if (!chain)
        return 0;
    fuzz_expect(alone == 0, "what is declared wrong is not resolved", 0, 0);
    check_declared(&d, &input);
    fuzz_expect(qcow2_chain_layers(chain) == input.count, "all layers", input.count, 0);
    fuzz_check_extents(chain);
    free(fuzz_read(chain));
    return 0;
}
