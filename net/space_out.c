/*
 * space_out.c - see space_out.h.
 */
#include "net/space_out.h"

#include <string.h>

static void write_size(struct json_out *out, const char *key, size_t value)
{
    out_key(out, key);
    out_size(out, value);
}

static void write_text(struct json_out *out, const char *key, const char *value)
{
    out_key(out, key);
    out_string(out, value);
}

/* Nothing where nothing was learnt. */
static void write_width(struct json_out *out, const char *key,
                        const struct duet_width_stats *w)
{
    if (w->oversampling == 0) {
        return;
    }
    out_key(out, key);
    out_begin(out, '{');
    write_size(out, "oversampling", w->oversampling);
    if (w->nprobe > 0) {
        write_size(out, "nprobe", w->nprobe);
    }
    if (w->ef > 0) {
        write_size(out, "hnsw_ef", w->ef);
    }
    out_key(out, "recall");
    out_float(out, (float)w->recall);
    write_size(out, "questions", w->n_questions);
    write_text(out, "learnt_from", w->learnt_from);
    out_end(out, '}');
}

static size_t per_vector(size_t n_bytes, size_t n_vectors)
{
    return n_vectors == 0 ? 0 : (n_bytes + n_vectors / 2) / n_vectors;
}

void space_out_write(struct json_out *out, const struct duet_space_stats *space)
{
    out_begin(out, '{');
    write_size(out, "vectors_count", space->n_vectors);
    write_size(out, "indexed_vectors_count", space->n_sealed);
    write_size(out, "segments_count", space->n_segments);
    write_size(out, "segment_bytes", space->segment_bytes);
    write_size(out, "segment_bytes_per_vector",
               per_vector(space->segment_bytes, space->n_sealed));
    write_size(out, "memory_bytes", space->memory_bytes);
    write_size(out, "memory_bytes_per_vector",
               per_vector(space->memory_bytes, space->n_sealed));
    write_text(out, "index", space->index);
    write_text(out, "index_choice", duet_vector_index_name(space->choice));
    write_text(out, "index_reason", space->reason);
    write_width(out, "same_side", &space->same_side);
    write_width(out, "cross_modal", &space->cross_modal);
    out_end(out, '}');
}

void space_out_recalls(struct json_out *out, const struct duet_recalls *recalls)
{
    out_begin(out, '[');
    for (size_t i = 0; i < recalls->n; i++) {
        const struct duet_recall_item *item = &recalls->items[i];
        out_begin(out, '{');
        write_text(out, "space", item->space);
        write_text(out, "side", item->cross_modal ? "cross_modal" : "same_side");
        out_key(out, "recall");
        out_float(out, (float)item->recall);
        write_size(out, "checks", (size_t)item->n_checks);
        out_end(out, '}');
    }
    out_end(out, ']');
}
