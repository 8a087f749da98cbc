/*
 * model_pull.h - a pull under way, shared by its two files: model_pull.c goes through
 * the steps, model_fetch.c brings the files one by one.
 */
#ifndef DB_MODEL_PULL_H
#define DB_MODEL_PULL_H

#include "base/buffer.h"
#include "db/duet_model.h"
#include "db/hub_http.h"
#include "db/hub_repo.h"
#include "db/model_manifest.h"

struct pull {
    const struct duet_pull_options *options;
    struct duet_pull_result done;
    struct hub *hub;
    struct hub_repo repo;
    struct buf home;           /* the models folder */
    struct buf flat;           /* "owner--name" */
    struct buf target;         /* HOME/owner/name */
    struct buf partial;        /* HOME/.partial/owner--name@commit */
    struct manifest installed; /* of the target, as it was; empty where there is none */
    int lock;                  /* -1: not held */

    /* For whoever watches. */
    const char *file;  /* under way; NULL: none */
    uint64_t n_before; /* bytes of the files that are done */
    uint64_t n_total;  /* of all; 0: not known yet */
    uint64_t start_ns, told_ns;
};

/* Tells how far the pull has come, about ten times a second; `n_have` bytes of the
 * present file are there. False where it is to stop. */
bool pull_watch(struct pull *pull, uint64_t n_have, bool checking);

/* Brings `file` into the partial folder, whole and checked; what is there of it
 * already, or in the installed model, is not downloaded again. */
enum err pull_fetch(struct pull *pull, const struct hub_file *file) ERR_CHECK;

/* The bytes of `file` that need not be downloaded any more. */
uint64_t pull_n_here(const struct pull *pull, const struct hub_file *file);

#endif
