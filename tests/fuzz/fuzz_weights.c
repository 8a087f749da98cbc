/*
 * fuzz_weights.c - any bytes as a safetensors file. A file that opens has its matrices
 * read to the last number, so that the sanitizer sees whether the header was checked
 * well; and it is offered to a head, the smallest user of such files.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "encoder/head.h"
#include "encoder/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void read_matrix(struct wt_file *file, const char *name)
{
    struct wt_tensor tensor;
    struct wt_matrix matrix;
    if (wt_find(file, name, &tensor) != ERR_OK) {
        return;
    }
    size_t n_cols = tensor.shape[1] * tensor.shape[2] * tensor.shape[3];
    if (wt_matrix(file, name, WT_WHOLE, tensor.shape[0], n_cols, &matrix) != ERR_OK) {
        return;
    }
    for (size_t row = 0; row < matrix.n_rows; row++) {
        for (size_t first = 0; first < n_cols; first++) {
            float number;
            wt_row(&matrix, row, first, 1, &number);
        }
    }
}

static void open_file(const char *path)
{
    static const char *const names[] = {"linear.weight", "fc1.weight", "fc2.weight"};
    struct wt_file *file;
    struct head *head;
    if (wt_open(&file, &path, 1) == ERR_OK) {
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            read_matrix(file, names[i]);
        }
        wt_close(file);
    } else if (head_open(&head, path) == ERR_OK) {
        abort(); /* a file that cannot be read is no head */
    }
    if (head_open(&head, path) == ERR_OK) {
        head_close(head);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char path[64];
    int fd = memfd_create("weights", MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes, n) != (ssize_t)n) {
        abort();
    }
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    open_file(path);
    (void)close(fd);
    return 0;
}
