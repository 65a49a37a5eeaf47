/* vmconform qcow2 create-chain: a backup chain with known content, sound or broken on request. */
#include "runner/qcow2/create_priv.h"

#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/plural.h"
#include "fixtures/chain.h"
#include "fixtures/defect.h"
#include "fixtures/story.h"
#include "runner/chain_folder.h"
#include "runner/commands.h"
#include "runner/qcow2/command.h"

static const char usage_text[] =
    "usage: vmconform qcow2 create-chain [OPTIONS] DIR\n"
    "       vmconform qcow2 create-chain --list-defects [--markdown]\n\n"
    "Makes a full backup and its increments as a datamover leaves them in an object store: images, "
    "index and\nmanifests below DIR/kubevirt-datamover, their digests in DIR/SHA256SUMS, and "
    "DIR/rule.json, from which\n'compare --rule' makes the right bytes again. DIR is new or empty. "
    "The same options give the same bytes.\n\n"
    "Shapes: random (pieces anywhere), sequential (a log), overlapping (pieces that hit those of "
    "the "
    "increment\nbefore), empty, zeroing (discards of what was written), subcluster (single "
    "blocks), "
    "growing (the disk grows).\nAll but empty ones change something that the increment before "
    "changed, so that the order matters.\n\n"
    "exit status: 0 made; 2 usage or I/O; 128 and its number after a signal (INT, TERM, HUP); "
    "nothing is left behind\nthen\n";

/* ---- signals ---- */

static volatile sig_atomic_t stopped_by; /* the signal; 0: none came */

static void on_signal(int sig)
{
    stopped_by = sig;
}

/* Looked at between files. The same signal again kills. One that is ignored (nohup) stays so. */
static void catch_signals(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND}, old;

    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(signals[i], &act, NULL);
}

static int check_stop(struct err *reterr)
{
    return stopped_by ? err_set(reterr, ERR_IO, NO_POS, "interrupted") : 0;
}

/* ---- options ---- */

/* The place of a word in a list that ends with NULL. */
static int choose(const char *option, const char *word, const char *const *words, unsigned *ret,
                  struct err *reterr)
{
    AUTO(strbuf) struct strbuf all = {0};

    for (*ret = 0; words[*ret]; ++*ret) {
        if (!word || strcmp(words[*ret], word) == 0)
            return 0;
        strbuf_addf(&all, "%s%s", *ret ? ", " : "", words[*ret]);
    }
    return err_set(reterr, ERR_INVALID, NO_POS, "%s wants one of %s, found '%s'", option,
                   strbuf_str(&all), word);
}

static int check_cluster(struct create *c, struct err *reterr)
{
    uint64_t bytes = c->cluster.value;

    if (!c->cluster.given)
        return 0;
    if (bytes & (bytes - 1))
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "--cluster-size wants a power of two, found %" PRIu64, bytes);
    c->story.cluster_bits = (uint32_t)__builtin_ctzll(bytes);
    return 0;
}

/* No default of theirs is 0, and what was asked for is done or refused. */
static int check_numbers(const struct create *c, struct err *reterr)
{
    const struct option_number increments = {c->increments, true}, discard = {c->discard, true};
    const struct {
        const char *name;
        const struct option_number *number;
        uint64_t least, most;
        const char *hint;
    } rows[] = {
        {"--size", &c->size, DISK_BLOCK, UINT64_C(1) << 50, NULL},
        {"--full", &c->full, 1, UINT64_MAX, NULL},
        {"--change", &c->change, 1, UINT64_MAX, "--shape empty makes increments without a change"},
        {"--disks", &c->disks, 1, 64, NULL},
        {"--count", &c->count, 1, 1000000, NULL},
        {"--cluster-size", &c->cluster, 512, 2u << 20, NULL},
        {"--refcount-bits", &c->refcount_bits, 1, 64, NULL},
        {"--version", &c->version, 2, 3, NULL},
        {"--discard", &discard, 0, 100, NULL},
        /* In the index each backup refers to all before it, so that it grows with the square. */
        {"--increments", &increments, 0, 1000, NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (option_number_check(rows[i].name, rows[i].number, rows[i].least, rows[i].most, reterr) <
            0)
            return rows[i].hint ? err_hint(reterr, "%s", rows[i].hint) : -1;
    return 0;
}

/* The bytes of an entry of the index, of a file in it, and of a reference to a backup; with short
 * names. What is a little too long all the same is refused when it is written. */
#define INDEX_ENTRY 340u
#define INDEX_FILE 330u
#define INDEX_REFERENCE 14u

/* Before anything is made: what is made must be readable. */
static int check_index(const struct create *c, struct err *reterr)
{
    uint64_t entries = c->increments + 1, disks = c->disks.given ? c->disks.value : 1;
    uint64_t bytes = entries * (entries + 1) / 2 * INDEX_REFERENCE +
                     entries * (INDEX_ENTRY + disks * INDEX_FILE);

    if (bytes <= JSON_BYTES_MAX)
        return 0;
    err_set(reterr, ERR_LIMIT, NO_POS,
            "the index of %" PRIu64 " increments of %" PRIu64 " disks would have about %" PRIu64
            " bytes, at most %u are read",
            c->increments, disks, bytes, JSON_BYTES_MAX);
    return err_hint(reterr, "--increments or --disks must be less");
}

static int read_story(struct create *c, struct err *reterr)
{
    if (check_numbers(c, reterr) < 0 || check_cluster(c, reterr) < 0 || check_index(c, reterr) < 0)
        return -1;
    c->story.size = c->size.value;
    c->story.full_bytes = c->full.value;
    c->story.change_bytes = c->change.value;
    c->story.disks = (size_t)c->disks.value;
    c->story.increments = (size_t)c->increments;
    c->story.discard_percent = (uint32_t)c->discard;
    for (size_t i = 0; i < c->shapes.count; i++)
        if (story_shapes_parse(c->shapes.items[i], &c->story, reterr) < 0)
            return -1;
    return 0;
}

static int read_plan(const struct create *c, struct chain_plan *plan, struct err *reterr)
{
    static const char *const compressions[] = {"none", "deflate", "zstd", NULL};
    static const char *const backings[] = {"recorded", "standalone", NULL};
    static const char *const unwritten[] = {"hole", "zero", "data", NULL};
    static const enum qcow2_layer_never never[] = {QCOW2_NEVER_UNALLOCATED, QCOW2_NEVER_ZERO,
                                                   QCOW2_NEVER_DATA};
    unsigned compression, backing, unwritten_as;

    if (choose("--compression", c->compression, compressions, &compression, reterr) < 0 ||
        choose("--backing", c->backing, backings, &backing, reterr) < 0 ||
        choose("--unwritten", c->unwritten, unwritten, &unwritten_as, reterr) < 0)
        return -1;
    plan->compression = (enum qcow2_compression)compression;
    plan->backing = backing ? CHAIN_BACKING_STANDALONE : CHAIN_BACKING_RECORDED;
    plan->never = never[unwritten_as];
    plan->version = (uint32_t)c->version.value;
    plan->refcount_bits = (uint32_t)c->refcount_bits.value;
    plan->extended_l2 = c->extended_l2;
    plan->bitmaps = c->bitmaps;
    plan->digests = !c->no_digests;
    plan->stop = &stopped_by;
    return 0;
}

static int check_defect(const struct create *c, const char *text, struct err *reterr)
{
    const struct defect_kind *kind = defect_find(text);

    if (!kind)
        return defect_apply(NULL, text, false, reterr);
    if (strcmp(kind->name, "subcluster-clash") != 0 || c->extended_l2)
        return 0;
    err_set(reterr, ERR_INVALID, NO_POS,
            "defect 'subcluster-clash' wants images with subclusters, and these have none");
    return err_hint(reterr, "--extended-l2 makes them");
}

/* Before anything is made: a chain takes longer than a wrong word. */
static int check_defects(const struct create *c, struct err *reterr)
{
    for (size_t i = 0; i < c->defects.count; i++)
        if (check_defect(c, c->defects.items[i], reterr) < 0)
            return -1;
    return 0;
}

/* ---- making ---- */

static void made_finish(struct made *m)
{
    chain_fixture_destroy(m->fixture);
    fixture_target_destroy(m->target);
    story_destroy(m->story);
}

static int make_raws(const struct create *c, const struct made *m, struct err *reterr)
{
    const struct chain_plan *plan = story_plan(m->story);
    AUTO(str) char *folder = mem_printf("%s/raw", c->dir);
    bool made;

    if (chain_folder_make(folder, &made, reterr) < 0)
        return -1;
    for (size_t k = 0; k < plan->disk_count; k++)
        for (size_t i = 0; i < plan->checkpoint_count; i++) {
            const char *disk = plan->disks[k].name, *name = plan->checkpoints[i].name;
            AUTO(str) char *path = create_raw_path(c, disk, name);

            if (check_stop(reterr) < 0 ||
                chain_folder_raw(path, chain_fixture_moment(m->fixture, disk, name), reterr) < 0)
                return -1;
        }
    return 0;
}

static int make_files(const struct create *c, struct made *m, struct err *reterr)
{
    AUTO(str) char *rule = mem_printf("%s/rule.json", c->dir);
    AUTO(str) char *sums = mem_printf("%s/SHA256SUMS", c->dir);

    m->plan = *story_plan(m->story);
    if (read_plan(c, &m->plan, reterr) < 0)
        return -1;
    m->target = fixture_target_folder(c->dir);
    m->fixture = chain_fixture_create(&m->plan, m->target, reterr);
    if (!m->fixture || story_write(m->story, rule, reterr) < 0)
        return -1;
    /* Before the defects: the sums are those of sound files. */
    if (m->plan.digests && chain_folder_sums(sums, m->fixture, reterr) < 0)
        return -1;
    if (c->raw && make_raws(c, m, reterr) < 0)
        return -1;
    for (size_t i = 0; i < c->defects.count; i++)
        if (check_stop(reterr) < 0 ||
            defect_apply(m->fixture, c->defects.items[i], !c->stale_digests, reterr) < 0)
            return -1;
    return 0;
}

static int make(const struct create *c, struct made *m, struct err *reterr)
{
    bool made;

    m->story = story_create(&c->story, reterr);
    if (!m->story || chain_folder_make(c->dir, &made, reterr) < 0)
        return -1;
    if (make_files(c, m, reterr) == 0)
        return 0;
    chain_folder_remove(c->dir, made);
    return -1;
}

/* ---- one chain ---- */

static int make_and_tell(const struct create *c, struct err *reterr)
{
    __attribute__((cleanup(made_finish))) struct made m = {0};

    if (make(c, &m, reterr) < 0)
        return -1;
    if (c->json)
        print_json_take(create_json(c, &m));
    else
        create_tell(c, &m);
    return 0;
}

/* ---- many chains ---- */

/* DIR/0000, DIR/0001, ...: each as if made alone, with a seed of its own. */
static int make_one(const struct create *all, uint64_t i, json_t *list, struct err *reterr)
{
    AUTO(str) char *dir = mem_printf("%s/%04" PRIu64, all->dir, i);
    struct create c = *all;
    __attribute__((cleanup(made_finish))) struct made m = {0};

    c.dir = dir;
    c.story.seed += i;
    if (make(&c, &m, reterr) < 0)
        return -1;
    if (list)
        json_array_append_new(list, create_json(&c, &m));
    return 0;
}

static int make_many(const struct create *c, struct err *reterr)
{
    AUTO(json) json_t *list = c->json ? json_array() : NULL;
    bool made;

    if (chain_folder_make(c->dir, &made, reterr) < 0)
        return -1;
    for (uint64_t i = 0; i < c->count.value; i++)
        if (check_stop(reterr) < 0 || make_one(c, i, list, reterr) < 0) {
            chain_folder_remove(c->dir, made);
            return -1;
        }
    if (c->json)
        print_json_take(TAKE(list));
    else
        printf("%" PRIu64 " %s of %s/%s, seeds %" PRIu64 " to %" PRIu64 ", in %s/0000 and so on\n",
               c->count.value, plural(c->count.value, "chain", "chains"),
               c->story.ns ? c->story.ns : "shop", c->story.vm ? c->story.vm : "db1", c->story.seed,
               c->story.seed + c->count.value - 1, c->dir);
    return 0;
}

/* ---- the command ---- */

static int read_options(struct create *c, int argc, char **argv, struct operands *ret)
{
    const struct option_spec specs[] = {
        {"--size", 0, OPTION_BYTES, &c->size, "SIZE", "of each disk (64MiB)"},
        {"--disks", 0, OPTION_NUMBER, &c->disks, "N", "root, data, data2, ... (1)"},
        {"--increments", 0, OPTION_COUNT, &c->increments, "N", "behind the full backup (3)"},
        {"--shape", 0, OPTION_LIST, &c->shapes, "LIST",
         "shapes of the increments, in turn, with commas between (random)"},
        {"--full", 0, OPTION_BYTES, &c->full, "SIZE",
         "written before the full backup (an eighth of the disk)"},
        {"--change", 0, OPTION_BYTES, &c->change, "SIZE", "by each increment (a 64th of the disk)"},
        {"--discard", 0, OPTION_COUNT, &c->discard, "PERCENT",
         "of the changes are discards, not writes (0)"},
        {"--seed", 0, OPTION_COUNT, &c->story.seed, "N", "another number: other bytes (0)"},
        {"--count", 0, OPTION_NUMBER, &c->count, "N",
         "so many chains, in DIR/0000 and so on, each with the next seed"},
        {"--cluster-size", 0, OPTION_BYTES, &c->cluster, "SIZE", "512 to 2MiB (256KiB)"},
        {"--compression", 0, OPTION_TEXT, &c->compression, "TYPE", "none, deflate or zstd (none)"},
        {"--extended-l2", 0, OPTION_FLAG, &c->extended_l2, NULL, "32 subclusters to a cluster"},
        {"--refcount-bits", 0, OPTION_NUMBER, &c->refcount_bits, "N", "1 to 64 (16)"},
        {"--version", 0, OPTION_NUMBER, &c->version, "2|3", "of the base (3)"},
        {"--bitmaps", 0, OPTION_FLAG, &c->bitmaps, NULL, "a persistent bitmap in each file"},
        {"--backing", 0, OPTION_TEXT, &c->backing, "HOW",
         "recorded: increments name the source's overlay; standalone: nothing (recorded)"},
        {"--unwritten", 0, OPTION_TEXT, &c->unwritten, "HOW",
         "what a full backup stores for what was never written: hole, zero or data (hole)"},
        {"--digests", 0, OPTION_FLAG, &c->digests, NULL, "sha256 of each file in the index (yes)"},
        {"--no-digests", 0, OPTION_FLAG, &c->no_digests, NULL, "none, and no SHA256SUMS"},
        {"--raw", 0, OPTION_FLAG, &c->raw, NULL, "each checkpoint's disk as DIR/raw/DISK-NAME.raw"},
        {"--namespace", 0, OPTION_TEXT, &c->story.ns, "NAME", "of the VM (shop)"},
        {"--vm", 0, OPTION_TEXT, &c->story.vm, "NAME", "(db1)"},
        {"--defect", 0, OPTION_LIST, &c->defects, "SPEC",
         "break the chain: KIND, KIND:LAYER or KIND:LAYER@OFFSET; again and again"},
        {"--stale-digests", 0, OPTION_FLAG, &c->stale_digests, NULL,
         "the index tells length and digest from before the defects"},
        {"--list-defects", 0, OPTION_FLAG, &c->list_defects, NULL, "show the kinds, make nothing"},
        {"--markdown", 0, OPTION_FLAG, &c->markdown, NULL, "show them as a table of a document"},
        {"--json", 0, OPTION_FLAG, &c->json, NULL, "tell what was made in JSON"},
        HELP_OPTION(&c->help),
        END_OF_OPTIONS};

    return command_options(usage_text, specs, &c->help, argc, argv, ret);
}

static int run(struct create *c, int argc, char **argv)
{
    struct operands operands;
    int status = read_options(c, argc, argv, &operands);

    if (status >= 0)
        return status;
    if (c->list_defects)
        return qcow2_list_defects(c->json, c->markdown);
    if (c->markdown)
        return command_mistake(NULL, "--markdown goes with --list-defects");
    if (c->stale_digests && c->defects.count == 0)
        return command_mistake("they are those from before the defects",
                               "--stale-digests goes with --defect");
    if (operands.count != 1)
        return command_mistake("'vmconform qcow2 create-chain --help' shows the options",
                               "create-chain wants one folder, found %zu operands", operands.count);
    if (c->digests && c->no_digests)
        return command_mistake(NULL, "--digests and --no-digests exclude each other");
    c->dir = operands.items[0];
    struct err err = {0};
    catch_signals();
    if (read_story(c, &err) == 0 && check_defects(c, &err) == 0 &&
        (c->count.given ? make_many(c, &err) : make_and_tell(c, &err)) == 0)
        return 0;
    if (stopped_by)
        err_hint(&err, "what was made is removed");
    command_error(&err);
    return stopped_by ? 128 + stopped_by : EXIT_CANNOT_TELL;
}

/* Every image is written through buffers of a megabyte: they stay in the heap for the next one, or
 * the kernel would hand out and clear their pages anew each time. */
static void keep_buffers(void)
{
#ifdef M_MMAP_THRESHOLD
    mallopt(M_MMAP_THRESHOLD, 8 << 20);
    mallopt(M_TRIM_THRESHOLD, 32 << 20);
    mallopt(M_TOP_PAD, 4 << 20);
#endif
}

int qcow2_create_chain(int argc, char **argv)
{
    struct create c = {.increments = 3};
    keep_buffers();
    int status = run(&c, argc, argv);

    option_list_finish(&c.shapes);
    option_list_finish(&c.defects);
    return status;
}
