/*
 * exit_code.c - see exit_code.h.
 */
#include "cli/exit_code.h"

#include <stddef.h>

static const struct {
    enum exit_code code;
    const char *meaning;
} meanings[] = {
    {EXIT_DONE, "done"},
    {EXIT_NO_RESULT, "nothing was found"},
    {EXIT_USAGE, "the command line, or what it names, is wrong"},
    {EXIT_NOT_FOUND, "there is no such database, collection or file"},
    {EXIT_SOME_FAILED,
     "add, embed, label, describe, import: some failed, the others are done"},
    {EXIT_BUSY, "another process has this database or model"},
    {EXIT_MISMATCH,
     "another model, size or format version than expected, or a name that is taken"},
    {EXIT_DAMAGED, "stored bytes fail their checks, or verify found something"},
    {EXIT_SYSTEM, "the system refused a read or a write, or the disk is full"},
    {EXIT_SERVER,
     "the server (--url) or the hub cannot be reached or did not answer in time"},
    {EXIT_MODEL, "the model's files are missing or broken"},
    {EXIT_BUG, "out of memory, or a bug in this program"},
    {EXIT_INTERRUPTED, "interrupted by ^C; what was committed or downloaded stays"},
};

enum exit_code exit_code_of(enum err code)
{
    switch (code) {
    case ERR_OK:
        return EXIT_DONE;
    case ERR_INVALID:
    case ERR_LIMIT:
    case ERR_UNSUPPORTED:
        return EXIT_USAGE;
    case ERR_NOT_FOUND:
        return EXIT_NOT_FOUND;
    case ERR_EXISTS:
    case ERR_CONFLICT:
    case ERR_VERSION:
        return EXIT_MISMATCH;
    case ERR_CORRUPT:
        return EXIT_DAMAGED;
    case ERR_IO:
    case ERR_FULL:
        return EXIT_SYSTEM;
    case ERR_BUSY:
        return EXIT_BUSY;
    case ERR_TIMEOUT:
        return EXIT_SERVER;
    case ERR_CANCELLED:
        return EXIT_INTERRUPTED;
    case ERR_MODEL:
        return EXIT_MODEL;
    case ERR_NOMEM:
    case ERR_INTERNAL:
        break;
    }
    return EXIT_BUG;
}

const char *exit_code_meaning(unsigned i, enum exit_code *code)
{
    if (i >= sizeof meanings / sizeof meanings[0]) {
        return NULL;
    }
    *code = meanings[i].code;
    return meanings[i].meaning;
}
