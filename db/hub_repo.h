/*
 * hub_repo.h - what a hub says a repository holds, and which of that a model needs.
 *
 *     struct hub_repo repo;
 *     TRY(hub_repo_parse(&repo, answer.data, answer.size));
 *     TRY_OUT(hub_choose(&repo, config, index, &choice));
 *     ...
 *     hub_choice_release(&choice);
 *     hub_repo_release(&repo);
 *
 * Everything here comes from outside: names are checked before they are kept, counts
 * and sizes are bounded, and a list with one bad name is refused whole.
 *
 * No state; any thread.
 */
#ifndef DB_HUB_REPO_H
#define DB_HUB_REPO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/limits.h"

enum { HUB_SHA_BYTES = 65 }; /* SHA-1 and SHA-256 as hex, with the NUL */

/* ---- Names a user gives ------------------------------------------------------- */

/* "owner/name", each of letters, digits, '-', '_' and '.'. ERR_INVALID says what a name
 * looks like. */
enum err hub_name_check(const char *name) ERR_CHECK;

/* A branch, tag or commit. */
enum err hub_revision_check(const char *revision) ERR_CHECK;

/* ---- What a repository holds -------------------------------------------------- */

struct hub_file {
    char *name;
    uint64_t size;              /* bytes */
    char sha256[HUB_SHA_BYTES]; /* of a large file (LFS); "" else */
    char blob[HUB_SHA_BYTES];   /* git's hash of a small one; "" else */
};

struct hub_repo {
    char commit[HUB_SHA_BYTES];
    char *licence;          /* "" where it is not said */
    struct hub_file *files; /* [n], by name */
    size_t n;
};

/* Reads the answer to /api/models/OWNER/NAME/revision/REVISION?blobs=true. ERR_CORRUPT;
 * the repository is empty then. */
enum err hub_repo_parse(struct hub_repo *repo, const char *json, size_t n) ERR_CHECK;
void hub_repo_release(struct hub_repo *repo);

/* NULL where there is none. */
const struct hub_file *hub_repo_find(const struct hub_repo *repo, const char *name);

/* ---- Which of it a model needs ------------------------------------------------ */

/* The file whose text has to be known before anything can be chosen: the
 * configuration. NULL where the repository has none. */
const struct hub_file *hub_repo_config(const struct hub_repo *repo);

/* The index of weights in several files, where the configuration's layout would take
 * it; NULL where there is none. `config` is the text of hub_repo_config. */
const struct hub_file *hub_repo_index(const struct hub_repo *repo, const char *config,
                                      size_t n_config);

struct hub_choice {
    const struct hub_file **files; /* [n], small ones first; of the repository */
    size_t n;
    uint64_t bytes;      /* of all of them */
    struct buf left_out; /* other weights there, "a, b"; "" where there are none */
};

struct hub_texts {
    const char *config, *index; /* NULL where there is none */
    size_t n_config, n_index;
};

/*
 * Chooses the files of one layout: Hugging Face's (config.json, model.safetensors or
 * its shards), else OpenCLIP's (open_clip_config.json, open_clip_model.safetensors), or
 * Duet's own (the files that config.json names); with tokenizer, README and licence.
 * ERR_UNSUPPORTED: no configuration, or no weights as safetensors; the sentence says
 * how pytorch_model.bin is converted. ERR_CORRUPT: an index that names what is not
 * there. The choice is empty then.
 */
enum err hub_choose(const struct hub_repo *repo, const struct hub_texts *texts,
                    struct hub_choice *choice) ERR_CHECK;
void hub_choice_release(struct hub_choice *choice);

#endif
