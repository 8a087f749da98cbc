/*
 * duet_model.h - models without a database: which there are, fetched from a hub, looked
 * at, checked, chosen.
 *
 *     struct duet_pull_options options = {.name = "openai/clip-vit-base-patch32"};
 *     struct duet_pull_result done;
 *     if (duet_model_pull(&options, &done) == ERR_OK) {
 *         printf("%s is in %s\n", done.name, done.folder);
 *     }
 *
 * encoder/model_path.h of the sources says where models are looked for; docs/CLI.md
 * says it for users. Models pulled are put into the user's folder: the first of
 * $DUET_MODELS, else $XDG_DATA_HOME/duet/models, else ~/.local/share/duet/models.
 *
 * Threads and processes: every call may be made on any thread, beside any other; two
 * pulls of one model are told apart by a lock, and the second is refused. Programs that
 * have a model open go on with the files that they opened when it is replaced.
 *
 * Errors and strings: as duet.h.
 */
#ifndef DB_DUET_MODEL_H
#define DB_DUET_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/errcode.h"
#include "db/duet.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Listing ----------------------------------------------------------------- */

struct duet_model_entry {
    char *name;       /* what finds it */
    char *folder;     /* where it is */
    char *error;      /* why it cannot be used; NULL: it opens */
    char *languages;  /* "" where there is an error */
    size_t dim;       /* 0 where there is an error */
    uint64_t bytes;   /* of all files of the folder */
    bool is_default;  /* what "default" means now */
    bool is_shadowed; /* a model of the same name is found before it */
};

struct duet_model_list {
    struct duet_model_entry *items; /* [n], in the order of looking, then by name */
    size_t n;
};

/* All models in all models folders, the broken ones too. Each is opened with all its
 * towers, none is run. */
DUET_CHECK enum err duet_model_list(struct duet_model_list *out);
DUET_API void duet_model_list_release(struct duet_model_list *list);

/* ---- Choosing ---------------------------------------------------------------- */

enum { DUET_MODEL_PATH_MAX = 4096 };

/*
 * Makes the model `name` (or folder) what "default" means from now on for this user, by
 * a link in the user's folder that is switched at once; "duet-default" is the model
 * that came with duet. Databases that are there keep their models, until duet_reembed
 * (duet_keep.h) gives a collection another. The model is opened and run first: ERR_MODEL
 * where that fails, and "default" is what it was. ERR_EXISTS: there is a folder of that
 * name, not a link. Into `chosen` goes the model's name.
 */
DUET_CHECK enum err duet_model_use(const char *name, char chosen[DUET_MODEL_PATH_MAX]);

/* ---- Looking at one ---------------------------------------------------------- */

/* What a model says of itself, and what it took to run it here. */
struct duet_model_details {
    char *name; /* what finds it */
    char *folder;
    char *title; /* what its configuration calls it */
    char *space, *licence, *languages, *family, *tokenizer, *preprocessing;
    char *fingerprint;
    char *repository, *revision; /* where it was pulled from; "" if it was not */
    size_t dim, image_size, max_tokens;
    double logit_scale;
    uint64_t mapped_bytes; /* of its files, shared by all processes that use it */
    uint64_t anon_bytes;   /* of this process's own that were added by one picture and
                              one text (RssAnon); 0 where the system does not tell */
    uint64_t rss_bytes;    /* of this process, all together */
    double images_per_second, texts_per_second; /* one thread, one at a time; 0: not
                                                   measured */
};

/* Looks at the model `name` (NULL: "default"). With `measure` it is also run for about
 * a second. ERR_NOT_FOUND, ERR_MODEL. */
DUET_CHECK enum err duet_model_look(const char *name, bool measure,
                                    struct duet_model_details *out);
DUET_API void duet_model_details_release(struct duet_model_details *details);

/* ---- Checking ---------------------------------------------------------------- */

enum duet_check_state { DUET_CHECK_OK, DUET_CHECK_FAILED, DUET_CHECK_SKIPPED };

/* One step of a check; strings live for the call. */
struct duet_model_check {
    const char *step; /* "files", "towers", "kernels", "expected", "vectors" */
    enum duet_check_state state;
    const char *detail; /* a sentence: what was checked, or what is wrong */
    double cosine;      /* the least one of "kernels" and "expected"; else 0 */
};

/*
 * Checks the model `name` (NULL: "default"), step by step; `report` hears of each. The
 * files against the sizes and hashes of duet.json; all towers and their tensors;
 * built-in texts and drawn pictures by the fast kernels against the plain ones, and
 * against the vectors of expected.json where the folder has one; that vectors are of
 * unit length, finite and the same each time. A step that fails does not keep the later
 * ones from being tried. The result is ERR_OK or that of the first that failed:
 * ERR_CORRUPT (files), ERR_MODEL.
 */
DUET_CHECK enum err duet_model_verify(const char *name,
                                      void (*report)(void *arg,
                                                     const struct duet_model_check *),
                                      void *arg);

/* ---- Making one smaller -------------------------------------------------------- */

enum duet_precision { DUET_FP16, DUET_INT8 };

/* What became of a model, beside what it was. */
struct duet_remade {
    char folder[DUET_MODEL_PATH_MAX]; /* of the new model */
    uint64_t bytes_before, bytes;     /* of all files of the folders */
    /* Cosines between the vectors of the two models, over built-in texts and drawn
     * pictures. What is lost on pictures of one's own only recall tells. */
    double text_cosine, text_cosine_least, picture_cosine, picture_cosine_least;
};

/*
 * Writes the model `name` (NULL: "default") with smaller weights as the new folder `to`
 * (NULL: NAME-fp16 or NAME-int8 in the user's models folder), opens it and compares the
 * two. Its vectors are of the same space: a database made by
 * the one may be searched by the other. ERR_EXISTS, ERR_NOT_FOUND, ERR_MODEL (a tensor
 * that does not fit), ERR_IO, ERR_FULL; nothing is left then.
 */
DUET_CHECK enum err duet_model_quantize(const char *name, enum duet_precision precision,
                                        const char *to, struct duet_remade *result);

/*
 * The same without the share `heads` of the heads of attention and `ffn` of the channels
 * of the feed-forward layers that matter least by their weights (each 0 to less than 1);
 * `to` NULL: NAME-pruned. Nothing is trained afterwards, so small shares cost little and
 * large ones much. Its vectors are of a space of their own. Errors as above;
 * ERR_UNSUPPORTED: only CLIP, Chinese-CLIP and SigLIP in Hugging Face's layout.
 */
DUET_CHECK enum err duet_model_prune(const char *name, double heads, double ffn,
                                     const char *to, struct duet_remade *result);

/* ---- Pulling ----------------------------------------------------------------- */

/* How far a pull has come. */
struct duet_pull_progress {
    const char *file;         /* under way */
    bool checking;            /* its hash is computed; else it is downloaded */
    uint64_t n_done, n_total; /* bytes of all files */
    double seconds;           /* since the start */
};

struct duet_pull_options {
    const char *name;     /* "owner/name" */
    const char *revision; /* a branch, tag or commit; NULL: "main" */
    const char *hub;      /* base URL; NULL: $DUET_HUB, $HF_ENDPOINT, the public hub */
    const char *token;    /* NULL: $DUET_HUB_TOKEN, $HF_TOKEN, none. It is sent to the
                             hub's own host only, never to where that redirects */
    const char *folder;   /* a models folder; NULL: the user's */
    /* Called about ten times a second while something is transferred or checked;
     * returning false stops the pull (ERR_CANCELLED). May be NULL. */
    bool (*progress)(void *arg, const struct duet_pull_progress *now);
    /* Called with a sentence on what is worth knowing: a connection lost and tried
     * again, files left out. May be NULL. */
    void (*note)(void *arg, const char *sentence);
    void *arg;
    unsigned stall_seconds; /* a connection slower than 1 KB/s for so long is cut and
                               tried again; 0: 30 */
    unsigned retry_ms;      /* wait before the first retry, doubled each time; 0: 500 */
};

struct duet_pull_result {
    char name[256];                   /* "owner/name" */
    char revision[72];                /* the commit, hex */
    char licence[256];                /* as the hub tells it; "" if it does not */
    char folder[DUET_MODEL_PATH_MAX]; /* where it is installed */
    bool up_to_date;    /* that revision was there already; nothing was downloaded */
    uint64_t bytes;     /* of the model's files */
    uint64_t n_fetched; /* bytes that came over the network */
};

/*
 * Downloads the files that a model needs of a repository of a Hugging Face hub, checks
 * them and installs them as one folder. What is there of an earlier try that was cut
 * off is gone on with; it lies in .partial/ of the models folder. A revision that is
 * there is left as it is; another one is replaced when the new one is complete.
 *
 * ERR_NOT_FOUND: no such repository or revision, or a private one; ERR_INVALID: the
 * name, the base URL, or a token that is not let in; ERR_UNSUPPORTED: no weights that
 * duet can read; ERR_TIMEOUT: the hub cannot be reached, or too often not; ERR_CORRUPT:
 * the hub's answers or bytes are not what they should be (the file is removed);
 * ERR_FULL, ERR_IO; ERR_BUSY: another process pulls it; ERR_EXISTS: the folder is there
 * and was not pulled; ERR_MODEL: all is here, but this build cannot open it (it stays
 * in .partial/ for one that can); ERR_CANCELLED. `result` may be NULL.
 */
DUET_CHECK enum err duet_model_pull(const struct duet_pull_options *options,
                                    struct duet_pull_result *result);

#ifdef __cplusplus
}
#endif

#endif
