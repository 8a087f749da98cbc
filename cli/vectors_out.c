/*
 * vectors_out.c - see vectors_out.h.
 */
#include "cli/vectors_out.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/float_text.h"
#include "base/npy.h"

enum err vectors_format_parse(enum vectors_format *out, const char *name)
{
    static const char *const names[] = {"jsonl", "f32", "npy"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name != NULL ? name : names[0], names[i]) == 0) {
            *out = (enum vectors_format)i;
            return ERR_OK;
        }
    }
    return err_set(ERR_INVALID, "--format is jsonl, f32 or npy, not '%.40s'", name);
}

static enum err open_temporary(FILE **out)
{
    char path[PATH_MAX];
    const char *folder = getenv("TMPDIR");
    int n = snprintf(path, sizeof path, "%s/duet-XXXXXX",
                     folder != NULL && folder[0] != '\0' ? folder : "/tmp");
    FAIL_IF(n < 0 || (size_t)n >= sizeof path, ERR_LIMIT, "$TMPDIR is too long");
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0) {
        return err_errno(errno, "%s", path);
    }
    unlink(path);
    *out = fdopen(fd, "w+b");
    if (*out == NULL) {
        enum err result = err_errno(errno, "%s", path);
        close(fd);
        return result;
    }
    return ERR_OK;
}

static enum err begin_npy(struct vectors_out *out)
{
    char header[NPY_HEADER_BYTES];
    int flags = fcntl(STDOUT_FILENO, F_GETFL);
    out->start = flags >= 0 && (flags & O_APPEND) == 0 ? ftell(stdout) : -1;
    if (out->start < 0) {
        return open_temporary(&out->file);
    }
    npy_header(header, 0, out->dim);
    fwrite(header, 1, sizeof header, stdout);
    return ERR_OK;
}

enum err vectors_out_open(struct vectors_out *out, enum vectors_format format,
                          size_t dim)
{
    *out =
        (struct vectors_out){.format = format, .dim = dim, .start = -1, .file = stdout};
    out->missing = alloc_array(dim, sizeof *out->missing);
    if (out->missing == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < dim; i++) {
        out->missing[i] = NAN;
    }
    return format == VECTORS_NPY ? begin_npy(out) : ERR_OK;
}

static void put_json(const struct vectors_out *out, const float *vector)
{
    char text[FLOAT_TEXT_MAX + 1];
    if (vector == NULL) {
        fputs("null\n", out->file);
        return;
    }
    for (size_t i = 0; i < out->dim; i++) {
        text[0] = i == 0 ? '[' : ',';
        size_t n = float_text(text + 1, vector[i]);
        fwrite(text, 1, n + 1, out->file);
    }
    fputs("]\n", out->file);
}

void vectors_out_row(struct vectors_out *out, const float *vector)
{
    if (out->format == VECTORS_JSONL) {
        put_json(out, vector);
    } else {
        fwrite(vector != NULL ? vector : out->missing, sizeof *vector, out->dim,
               out->file);
    }
    out->n++;
}

void vectors_out_flush(struct vectors_out *out)
{
    fflush(out->file);
}

/* The head into its place before the rows. */
static void end_in_place(const struct vectors_out *out,
                         const char header[NPY_HEADER_BYTES])
{
    if (fseek(stdout, out->start, SEEK_SET) == 0) {
        fwrite(header, 1, NPY_HEADER_BYTES, stdout);
        fseek(stdout, 0, SEEK_END);
    }
}

/* The head, and then what has waited. */
static enum err end_elsewhere(const struct vectors_out *out,
                              const char header[NPY_HEADER_BYTES])
{
    char bytes[1 << 16];
    size_t n;
    if (fflush(out->file) != 0 || ferror(out->file)) {
        return err_errno(errno == 0 ? EIO : errno, "the temporary file");
    }
    rewind(out->file);
    fwrite(header, 1, NPY_HEADER_BYTES, stdout);
    while ((n = fread(bytes, 1, sizeof bytes, out->file)) > 0 && !ferror(stdout)) {
        fwrite(bytes, 1, n, stdout);
    }
    FAIL_IF(ferror(out->file), ERR_IO, "the temporary file cannot be read again");
    return ERR_OK;
}

enum err vectors_out_close(struct vectors_out *out)
{
    enum err result = ERR_OK;
    char header[NPY_HEADER_BYTES];
    npy_header(header, out->n, out->dim);
    if (out->format == VECTORS_NPY && out->start >= 0) {
        end_in_place(out, header);
    } else if (out->file != NULL && out->file != stdout) {
        result = end_elsewhere(out, header);
        fclose(out->file);
    }
    alloc_free(out->missing);
    *out = (struct vectors_out){.file = stdout};
    return result;
}
