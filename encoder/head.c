/*
 * head.c - see head.h.
 */
#include "encoder/head.h"

#include "base/alloc.h"
#include "encoder/kernels.h"
#include "encoder/unit.h"
#include "encoder/weights_table.h"

struct head {
    char *path; /* owned; for messages */
    struct wt_file *file;
    size_t in, hidden, out;    /* hidden: 0 where there is no fc1 */
    const float *mean, *scale; /* [in] */
    struct kn_linear linear, fc1, fc2;
};

enum { IN, HIDDEN, OUT, N_SIZES };

static const struct wt_param linear_params[] = {
    WT_PARAM_VECTOR("mean", struct head, mean, IN),
    WT_PARAM_VECTOR("scale", struct head, scale, IN),
    WT_LAYER("linear", struct head, linear, OUT, IN),
};

static const struct wt_param fc_params[] = {
    WT_LAYER("fc1", struct head, fc1, HIDDEN, IN),
    WT_LAYER("fc2", struct head, fc2, OUT, HIDDEN),
};

/* The sizes of a head are those of its matrices; the table then checks all the rest. */
static enum err read_sizes(struct head *head)
{
    struct wt_tensor tensor;
    TRY(wt_find(head->file, "linear.weight", &tensor));
    head->out = tensor.shape[0];
    head->in = tensor.shape[1];
    if (wt_has(head->file, "fc1.weight")) {
        TRY(wt_find(head->file, "fc1.weight", &tensor));
        head->hidden = tensor.shape[0];
    }
    FAIL_IF(head->in < 1 || head->in > KN_COLS_MAX || head->out < 1 ||
                head->hidden > KN_COLS_MAX,
            ERR_MODEL, "a head of %zu to %zu numbers, %zu between", head->in, head->out,
            head->hidden);
    return ERR_OK;
}

static enum err load_weights(struct head *head)
{
    TRY(read_sizes(head));
    const size_t sizes[N_SIZES] = {
        [IN] = head->in, [HIDDEN] = head->hidden, [OUT] = head->out};
    const struct wt_target target = {.base = head, .sizes = sizes};
    TRY(wt_load(head->file, linear_params, WT_COUNT(linear_params), &target));
    if (head->hidden > 0) {
        TRY(wt_load(head->file, fc_params, WT_COUNT(fc_params), &target));
    }
    head->fc1.activation = KN_GELU;
    head->fc2.accumulate = true;
    return ERR_OK;
}

enum err head_open(struct head **out, const char *weights_path)
{
    *out = NULL;
    struct head *head = alloc_zero(1, sizeof *head);
    if (head == NULL) {
        return ERR_NOMEM;
    }
    enum err result = ERR_NOMEM;
    head->path = alloc_dup(weights_path);
    if (head->path == NULL) {
        goto out;
    }
    TRY_OUT(wt_open(&head->file, &weights_path, 1));
    result = load_weights(head);
    if (result != ERR_OK) {
        goto out;
    }
    *out = head;
    return ERR_OK;
out:
    head_close(head);
    return result;
}

void head_close(struct head *head)
{
    if (head == NULL) {
        return;
    }
    wt_close(head->file);
    alloc_free(head->path);
    alloc_free(head);
}

enum err head_check(const struct head *head, size_t in, size_t out)
{
    FAIL_IF(head->in != in || head->out != out, ERR_MODEL,
            "%s: projects %zu numbers to %zu instead of %zu to %zu", head->path,
            head->in, head->out, in, out);
    return ERR_OK;
}

size_t head_in(const struct head *head)
{
    return head->in;
}

size_t head_out(const struct head *head)
{
    return head->out;
}

enum err head_apply(const struct head *head, const float *features, size_t n,
                    float *vectors)
{
    const struct kn_ops *ops = kn_ops();
    float *z =
        alloc_aligned((n * (head->in + head->hidden) + KN_PANEL_FLOATS) * sizeof *z);
    if (z == NULL) {
        return ERR_NOMEM;
    }
    float *hidden = z + n * head->in, *panel = hidden + n * head->hidden;
    for (size_t i = 0; i < n * head->in; i++) {
        z[i] = (features[i] - head->mean[i % head->in]) * head->scale[i % head->in];
    }
    ops->linear(&head->linear, z, n, vectors, panel);
    if (head->hidden > 0) {
        ops->linear(&head->fc1, z, n, hidden, panel);
        ops->linear(&head->fc2, hidden, n, vectors, panel);
    }
    enum err result = ERR_OK;
    for (size_t i = 0; result == ERR_OK && i < n; i++) {
        result = unit_normalise(vectors + i * head->out, head->out);
    }
    alloc_free(z);
    return result;
}
