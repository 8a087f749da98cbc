/*
 * bench_encoder.c - how long the towers take on one thread: medians of processor time,
 * which other work on the machine disturbs least.
 *
 *     bench_encoder [MODEL]                     a table
 *     bench_encoder --race RUNS THREADS MODEL   milliseconds a picture, one a line,
 * RUNS on each of THREADS threads side by side bench_encoder --features MODEL features
 * of the pixels on stdin
 *
 * The second and third forms are what onnx_peer.py calls.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/limits.h"
#include "encoder/head.h"
#include "encoder/kernels.h"
#include "encoder/model.h"
#include "encoder/model_path.h"

enum { RUNS_MAX = 1000 };

static const double SECONDS_A_ROW = 1.5;

/* Programs for measuring end at the first error. */
static void need(enum err result)
{
    if (result != ERR_OK) {
        fprintf(stderr, "bench_encoder: %s\n", err_detail());
        exit(1);
    }
}

static struct model *open_model(const char *name)
{
    struct buf folder;
    struct model *model;
    buf_init(&folder, 4096);
    need(enc_find_model(name, &folder));
    need(model_open(&model, folder.data));
    buf_release(&folder);
    return model;
}

static float *make_numbers(size_t n)
{
    float *x = alloc_array(n, sizeof *x);
    for (size_t i = 0; x != NULL && i < n; i++) {
        x[i] = (float)((i * 2654435761u) % 2001) / 1000.0f - 1.0f;
    }
    need(x != NULL ? ERR_OK : ERR_NOMEM);
    return x;
}

/* Medians. */

struct job {
    void (*run)(void *context);
    void *context;
    double flops; /* of one run; 0: not told */
};

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_row(const char *label, const struct job *job)
{
    static double ms[RUNS_MAX];
    size_t n = 0;
    double total = 0;
    job->run(job->context);
    while (n < 5 || (n < RUNS_MAX && total < SECONDS_A_ROW * 1e3)) {
        uint64_t start = clock_thread_cpu_ns();
        job->run(job->context);
        ms[n] = (double)(clock_thread_cpu_ns() - start) / 1e6;
        total += ms[n++];
    }
    qsort(ms, n, sizeof ms[0], compare_doubles);
    printf("%-34s %9.3f ms", label, ms[n / 2]);
    if (job->flops > 0) {
        printf(" %7.1f GFLOP/s", job->flops / ms[n / 2] / 1e6);
    }
    printf("\n");
}

/* The image tower. */

static double image_flops(const struct efficientnet_config *c)
{
    double side = (double)((c->size + 1) / 2), in = (double)c->stem;
    double products = side * side * in * 27;
    for (size_t i = 0; i < c->n_blocks; i++) {
        const struct efficientnet_block *b = &c->blocks[i];
        double mid = in * (double)b->expand, area = side * side;
        products += b->expand > 1 ? area * in * mid : 0;
        side = (double)(((size_t)side + b->stride - 1) / b->stride);
        area = side * side;
        in = (double)b->out;
        products += area * mid * ((double)(b->kernel * b->kernel) + in);
    }
    return 2 * (products + side * side * in * (double)c->features);
}

struct picture {
    struct efficientnet *tower;
    struct head *head;
    float *pixels, *features, *vector;
};

static void open_picture(struct picture *p, const struct model *model)
{
    const struct efficientnet_config *c = &model->image.net;
    need(efficientnet_open(&p->tower, c, model->image.weights.paths[0]));
    need(head_open(&p->head, model->image.head));
    p->pixels = make_numbers(c->size * c->size * 3);
    p->features = make_numbers(efficientnet_width(c));
    p->vector = make_numbers(head_out(p->head));
}

static void close_picture(struct picture *p)
{
    efficientnet_close(p->tower);
    head_close(p->head);
    alloc_free(p->pixels);
    alloc_free(p->features);
    alloc_free(p->vector);
}

static void run_picture(void *context)
{
    struct picture *p = context;
    need(efficientnet_features(p->tower, p->pixels, 1, p->features));
}

static void run_head(void *context)
{
    struct picture *p = context;
    need(head_apply(p->head, p->features, 1, p->vector));
}

static void print_image(const struct model *model)
{
    struct picture p;
    char label[64];
    open_picture(&p, model);
    snprintf(label, sizeof label, "picture of %zu x %zu, tower", model->image.net.size,
             model->image.net.size);
    print_row(label, &(struct job){run_picture, &p, image_flops(&model->image.net)});
    print_row("picture, head", &(struct job){run_head, &p, 0});
    close_picture(&p);
}

/* The text towers. */

/* A batch of texts, all of one length. */
enum { TEXTS_MAX = 16 };
struct text {
    struct bert *tower;
    size_t n, lengths[TEXTS_MAX]; /* of texts; [n] */
    int32_t ids[TEXTS_MAX * LIMIT_TEXT_TOKENS];
    float *features;
};

static void run_text(void *context)
{
    struct text *t = context;
    need(bert_features(t->tower, t->ids, t->lengths, t->n, t->features));
}

/* Of the matrix products alone. */
static double text_flops(const struct bert_config *c, size_t n)
{
    double products = (double)c->hidden * (double)(4 * c->hidden + 2 * c->intermediate);
    return 2.0 * (double)c->layers * (double)n * products;
}

static size_t count_lines(const char *path)
{
    size_t n = 0;
    FILE *f = fopen(path, "rb");
    need(f != NULL ? ERR_OK : err_set(ERR_IO, "%s cannot be read", path));
    for (int c = getc(f); c != EOF; c = getc(f)) {
        n += c == '\n';
    }
    fclose(f);
    return n;
}

static void print_texts(struct text *t, const struct model_text *text, size_t length)
{
    char label[64];
    if (length > text->bert.max_tokens) {
        length = text->bert.max_tokens;
    }
    for (size_t i = 0; i < t->n; i++) {
        t->lengths[i] = length;
    }
    snprintf(label, sizeof label, "text in %s, %zu x %zu tokens, tower", text->language,
             t->n, length);
    print_row(label,
              &(struct job){run_text, t, text_flops(&text->bert, t->n * length)});
}

static void print_text(const struct model_text *text)
{
    static const size_t batches[][2] = {/* texts, tokens of each */
                                        {1, 1},   {1, 12}, {2, 12}, {8, 12},
                                        {16, 12}, {1, 32}, {8, 32}, {1, 128}};
    static struct text t;
    struct bert_config config = text->bert;
    config.vocab = count_lines(text->tokenizer.path);
    need(bert_open(&t.tower, &config, text->weights.paths, text->weights.n));
    t.features = make_numbers(TEXTS_MAX * config.hidden);
    for (size_t i = 0; i < TEXTS_MAX * LIMIT_TEXT_TOKENS; i++) {
        t.ids[i] = (int32_t)(i * 7919 % config.vocab);
    }
    for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
        t.n = batches[i][0];
        print_texts(&t, text, batches[i][1]);
    }
    bert_close(t.tower);
    alloc_free(t.features);
}

static void print_table(const struct model *model)
{
    printf("model %s, %s kernels, one thread, medians of processor time\n", model->name,
           kn_ops()->name);
    print_image(model);
    for (size_t i = 0; i < model->n_texts; i++) {
        print_text(&model->texts[i]);
    }
}

/* The race. */

struct racer {
    const struct model *model;
    size_t n;
    double ms[RUNS_MAX], cpu_ms[RUNS_MAX];
};

static void *run_racer(void *context)
{
    struct racer *r = context;
    struct picture p;
    open_picture(&p, r->model);
    run_picture(&p);
    for (size_t i = 0; i < r->n; i++) {
        uint64_t start = clock_monotonic_ns(), cpu_start = clock_thread_cpu_ns();
        run_picture(&p);
        r->cpu_ms[i] = (double)(clock_thread_cpu_ns() - cpu_start) / 1e6;
        r->ms[i] = (double)(clock_monotonic_ns() - start) / 1e6;
    }
    close_picture(&p);
    return NULL;
}

/* With N threads side by side, a picture takes an N-th of what each of them sees. */
static void race(const struct model *model, size_t n, size_t n_threads)
{
    static struct racer racers[LIMIT_THREADS_MAX];
    static pthread_t threads[LIMIT_THREADS_MAX];
    for (size_t i = 0; i < n_threads; i++) {
        racers[i].model = model;
        racers[i].n = n;
        if (pthread_create(&threads[i], NULL, run_racer, &racers[i]) != 0) {
            need(err_set(ERR_IO, "no thread could be started"));
        }
    }
    for (size_t i = 0; i < n_threads; i++) {
        pthread_join(threads[i], NULL);
        for (size_t j = 0; j < n; j++) {
            printf("%.4f %.4f\n", racers[i].ms[j] / (double)n_threads,
                   racers[i].cpu_ms[j]);
        }
    }
}

static void print_features(const struct model *model)
{
    struct picture p;
    size_t size = model->image.net.size, n = size * size * 3;
    open_picture(&p, model);
    if (fread(p.pixels, sizeof *p.pixels, n, stdin) != n) {
        need(err_set(ERR_INVALID, "stdin has fewer than %zu floats", n));
    }
    run_picture(&p);
    fwrite(p.features, sizeof *p.features, efficientnet_width(&model->image.net),
           stdout);
    close_picture(&p);
}

/* A number between 1 and `most`. */
static size_t read_count(const char *text, size_t most)
{
    size_t n = strtoul(text, NULL, 10);
    if (n < 1 || n > most) {
        need(err_set(ERR_INVALID, "\"%s\" is not between 1 and %zu", text, most));
    }
    return n;
}

int main(int argc, char **argv)
{
    bool racing = argc == 5 && strcmp(argv[1], "--race") == 0;
    bool printing = argc == 3 && strcmp(argv[1], "--features") == 0;
    struct model *model = open_model(argc > 1 ? argv[argc - 1] : "default");
    if (racing) {
        race(model, read_count(argv[2], RUNS_MAX),
             read_count(argv[3], LIMIT_THREADS_MAX));
    } else if (printing) {
        print_features(model);
    } else {
        print_table(model);
    }
    model_close(model);
    return 0;
}
