/*
 * ingest_picture.h - one picture from a file to finished vectors: what of `duet add`
 * runs on many threads.
 *
 *     struct ingest_result result;
 *     ingest_picture(&result, &job, item, &scratch);
 *     ... if (result.has_caption): encode_texts_run(db, &scratch.captions, ...);
 *     ... result.outcome ...
 *     ingest_result_release(&result);
 *
 * What is done for a picture depends on what is stored of it:
 *
 *     same size, time and notes        nothing, the file is not read (if the thumbnail
 *                                      is there)
 *     same content, same notes         the new time is stored, and the thumbnail made
 *                                      if it is gone
 *     same content, other notes        caption and payload are made anew
 *     other content                    everything is made anew
 *     not stored, but its content is,
 *     under a path that is gone        it has moved: that point is carried over
 *     not stored                       everything is made
 *
 * Threads: any number may work on one job at once, each with its own scratch.
 */
#ifndef DB_INGEST_PICTURE_H
#define DB_INGEST_PICTURE_H

#include "db/db_internal.h"
#include "db/encode.h"
#include "db/ingest_list.h"

/* What all pictures of one add share; read only. */
struct ingest_job {
    struct duet *db;
    const char *collection;
    struct enc *enc;
};

/* What a thread keeps from picture to picture. */
struct ingest_scratch {
    struct buf bytes; /* LIMIT_IMAGE_FILE_BYTES */
    struct encode_texts captions;
};

enum ingest_outcome {
    INGEST_UNCHANGED,
    INGEST_ADDED,
    INGEST_UPDATED,
    INGEST_MOVED,
    INGEST_FAILED
};

struct ingest_result {
    const struct ingest_item *item;
    enum ingest_outcome outcome;
    enum err code; /* of INGEST_FAILED, else ERR_OK */
    char *reason;  /* of INGEST_FAILED; NULL where memory was short for it */
    bool has_write;
    bool has_caption;        /* the last of the scratch's captions is this one's */
    struct db_write write;   /* its pointers go into what follows */
    struct db_source source; /* of the write; its path is the item's */
    struct duet_id replaced; /* of the write, of a file that has moved */
    char *payload;           /* of the write; NULL: as stored */
    float *vectors;          /* [2, dim], of the write; NULL: none is new */
    char *texts[DB_ORIGINS]; /* that they were made from; NULL: not from one */
    struct buf thumbnail;    /* a JPEG to be put once the write is committed; empty: it
                                is there already */
};

/* Looks at one picture; a failure is an outcome too. A caption is not encoded yet, as
 * several are faster together: it is added to the scratch's, which must have room for
 * one, and until they are run the result is not whole. The result is for
 * ingest_result_release. */
void ingest_picture(struct ingest_result *result, const struct ingest_job *job,
                    const struct ingest_item *item, struct ingest_scratch *scratch);

/* Makes a failure of it: the thread's error detail is the reason. */
void ingest_result_fail(struct ingest_result *result, enum err code);

void ingest_result_release(struct ingest_result *result);

/* The write that a result asks for, with its pointers set; they live as long as the
 * result does, and as it is not moved. */
const struct db_write *ingest_result_write(struct ingest_result *result);

/* Whether a failure with this code is the database's or the model's, not the picture's:
 * going on would make no sense. */
bool ingest_is_fatal(enum err code);

#endif
