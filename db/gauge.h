/*
 * gauge.h - the recall gauge: what the index finds of the true answers to what is really
 * asked, of each space and side.
 *
 * Now and then a question that the index has answered at its own widths is kept. A
 * thread of the gauge's asks it again, by the index and by a scan of up to 256 MB of
 * the vectors, chosen at random, in one transaction; what the scan finds nearer than
 * the last result of the index, the index has missed. (Where only a part is scanned,
 * what was missed is scaled up: right on average.) After each check the thread rests for
 * 99 times as long as it took, so that it never takes more than a hundredth of one core;
 * the next question that comes then is the next to be checked. Nobody waits for it. It
 * is started by the 32nd question, so a program that asks once has none.
 *
 * Threads: any; open and close alone.
 */
#ifndef DB_GAUGE_H
#define DB_GAUGE_H

#include "db/asked.h"
#include "db/duet.h"

struct gauge;

/* Checks databases at rest: `rest` times as long as a check took it rests after. */
enum { GAUGE_REST = 99, GAUGE_K_MAX = 100 };

enum err gauge_open(struct gauge **out, struct duet *db) ERR_CHECK;

/* Waits for a check under way. Accepts NULL. */
void gauge_close(struct gauge *gauge);

/* For tests: 0 checks whatever is offered while no check is under way, from the first
 * question on. */
void gauge_set_rest(struct gauge *gauge, unsigned rest);

/* For tests: waits until the question that was taken last is checked. */
void gauge_wait(struct gauge *gauge);

struct gauge_question {
    const float *vector; /* [dim], prepared for the space */
    size_t dim;
    size_t k; /* more than GAUGE_K_MAX are checked for so many */
};

/* Takes a copy of the question, if it is time for one. Accepts a NULL gauge. */
void gauge_offer(struct gauge *gauge, struct asked_key key,
                 const struct gauge_question *question);

/* What one space and side has come to. */
struct gauge_reading {
    struct asked_key key;
    uint64_t n_checks;
    double n_true;  /* results that the questions have */
    double n_found; /* of them found by the index; where only parts are scanned an
                       estimate, which may be a little off */
};

/* Copies up to `n_max` readings; returns how many there are. */
size_t gauge_read(struct gauge *gauge, struct gauge_reading *out, size_t n_max);

enum { GAUGE_READINGS_MAX = 256 /* spaces and sides; more are not measured */ };

#endif
