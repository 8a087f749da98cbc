/*
 * exit_code.h - how the program ends: one small number for each thing that a script
 * would want to tell apart. The numbers are pinned (docs/CLI.md, `duet help`).
 */
#ifndef CLI_EXIT_CODE_H
#define CLI_EXIT_CODE_H

#include "base/errcode.h"

enum exit_code {
    EXIT_DONE = 0,
    EXIT_NO_RESULT = 1,
    EXIT_USAGE = 2,
    EXIT_NOT_FOUND = 3,
    EXIT_SOME_FAILED = 4,
    EXIT_BUSY = 5,
    EXIT_MISMATCH = 6,
    EXIT_DAMAGED = 7,
    EXIT_SYSTEM = 8,
    EXIT_SERVER = 9,
    EXIT_MODEL = 10,
    EXIT_BUG = 70,
    EXIT_INTERRUPTED = 130
};

/* The exit code that tells of an error. Total: every code has one. */
enum exit_code exit_code_of(enum err code);

/* The table for people: the i-th code and its meaning; NULL past the last. */
const char *exit_code_meaning(unsigned i, enum exit_code *code);

#endif
