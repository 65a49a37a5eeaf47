/* Inside qcow2/ only: what a chain and its readers are made of. */
#ifndef VMCONFORM_QCOW2_CHAIN_PRIV_H
#define VMCONFORM_QCOW2_CHAIN_PRIV_H

#include "qcow2/chain.h"
#include "qcow2/map.h"

struct qcow2_reader {
    struct qcow2_chain *chain;
    size_t index;                    /* of the extent found last */
    struct qcow2_inflater *inflater; /* NULL until it is needed */
    /* The compressed cluster read last. */
    unsigned char *cluster;
    size_t cluster_cap;
    uint32_t cluster_layer; /* QCOW2_NO_LAYER: none */
    uint64_t cluster_descriptor;
};

struct qcow2_chain {
    struct qcow2_image **layers;
    size_t count;
    bool owns_layers; /* destroys them with itself */
    uint64_t size;
    struct qcow2_map map;
    struct qcow2_reader reader; /* what qcow2_chain_read() uses */
};

/* reader.c */
void qcow2_reader_init(struct qcow2_reader *reader, struct qcow2_chain *chain);
void qcow2_reader_finish(struct qcow2_reader *reader);

/* At least one layer and at most as many as options (may be NULL) allow. */
int qcow2_chain_check_count(size_t count, const struct qcow2_chain_options *options,
                            struct qcow2_fault *retfault);

#endif
