/*
 * image_resize_avx2.c - the two passes of image_resize.c, eight sums at a time.
 *
 * AVX2 multiplies 16-bit pairs and adds them in one cheap instruction, but a weight has
 * 23 bits. So each weight comes in two parts (struct img_taps), each part gets a sum of
 * its own, and the two sums are put together at the end. All of it is exact: sums may
 * wrap round 32 bits on the way, and the end result fits.
 */
#include <immintrin.h>

#include "encoder/image_internal.h"

/* One sum for each part of the weights. */
struct sums {
    __m256i low;
    __m256i high;
};

/* Adds the 16-bit pairs of `samples`, weighted. */
static inline void add(struct sums *s, __m256i samples, struct sums weights)
{
    s->low = _mm256_add_epi32(s->low, _mm256_madd_epi16(samples, weights.low));
    s->high = _mm256_add_epi32(s->high, _mm256_madd_epi16(samples, weights.high));
}

/* The two sums as one. */
static inline __m256i whole(struct sums s)
{
    return _mm256_add_epi32(s.low, _mm256_slli_epi32(s.high, IMG_RESIZE_LOW_BITS));
}

/* Rounds and takes the fraction away. */
static inline __m256i round_off(__m256i sum)
{
    const __m256i half = _mm256_set1_epi32(1 << (IMG_RESIZE_BITS - 1));
    return _mm256_srai_epi32(_mm256_add_epi32(sum, half), IMG_RESIZE_BITS);
}

/* Four RGB pixels p0..p3 as 16-bit pairs: r0r1 g0g1 b0b1 -- | r2r3 g2g3 b2b3 --. Reads
 * 16 bytes. */
static inline __m256i load_four_pixels(const uint8_t *in)
{
    const __m256i order = _mm256_setr_epi8(
        0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1, /* p0, p1 */
        6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1 /* p2, p3 */);
    __m128i bytes = _mm_loadu_si128((const __m128i *)in);
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(bytes), order);
}

/* The weights for four pixels: w0w1 in all of the left half, w2w3 in the right. */
static inline struct sums load_four_weights(const struct img_taps *taps)
{
    const __m256i low = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
    const __m256i high = _mm256_setr_epi32(2, 2, 2, 2, 3, 3, 3, 3);
    __m256i all = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)taps));
    return (struct sums){_mm256_permutevar8x32_epi32(all, low),
                         _mm256_permutevar8x32_epi32(all, high)};
}

/* Each half of `a` and of `b` has sums of the same three channels; adds the halves up:
 * those of `a` on the left, of `b` on the right. */
static inline __m256i add_halves(__m256i a, __m256i b)
{
    return _mm256_add_epi32(_mm256_permute2x128_si256(a, b, 0x20),
                            _mm256_permute2x128_si256(a, b, 0x31));
}

static inline void store_pixel(uint8_t *out, int rgb)
{
    out[0] = (uint8_t)rgb;
    out[1] = (uint8_t)(rgb >> 8);
    out[2] = (uint8_t)(rgb >> 16);
}

/* Stores the pixel that each row's sums make, out_bytes apart. */
static inline void store_column(uint8_t *out, size_t out_bytes, const struct sums *rows)
{
    __m256i top = round_off(add_halves(whole(rows[0]), whole(rows[1])));
    __m256i bottom = round_off(add_halves(whole(rows[2]), whole(rows[3])));
    __m256i words = _mm256_packs_epi32(top, bottom); /* rows 0, 2 | 1, 3 */
    __m256i bytes = _mm256_packus_epi16(words, words);
    __m128i even = _mm256_castsi256_si128(bytes);
    __m128i odd = _mm256_extracti128_si256(bytes, 1);
    store_pixel(out, _mm_cvtsi128_si32(even));
    store_pixel(out + out_bytes, _mm_cvtsi128_si32(odd));
    store_pixel(out + 2 * out_bytes, _mm_extract_epi32(even, 1));
    store_pixel(out + 3 * out_bytes, _mm_extract_epi32(odd, 1));
}

/* Four rows share the weights, whose unpacking costs more than their use. */
void img_resize_rows_avx2(uint8_t *out, const uint8_t *rows, size_t row_bytes,
                          const struct img_weights *filter)
{
    size_t out_bytes = 3 * (size_t)filter->n;
    for (uint32_t i = 0; i < filter->n; i++, out += 3) {
        const struct img_taps *taps = filter->taps + (size_t)i * filter->stride / 4;
        const uint8_t *in = rows + 3 * (size_t)filter->first[i];
        __m256i zero = _mm256_setzero_si256();
        struct sums sums[IMG_RESIZE_ROWS] = {
            {zero, zero}, {zero, zero}, {zero, zero}, {zero, zero}};
        for (uint32_t j = 0; j < filter->count[i]; j += 4, in += 12, taps++) {
            struct sums weights = load_four_weights(taps);
            add(&sums[0], load_four_pixels(in), weights);
            add(&sums[1], load_four_pixels(in + row_bytes), weights);
            add(&sums[2], load_four_pixels(in + 2 * row_bytes), weights);
            add(&sums[3], load_four_pixels(in + 3 * row_bytes), weights);
        }
        store_column(out, out_bytes, sums);
    }
}

/* Sixteen bytes at `in`, weighted over `count` rows, two at a time. A window of odd
 * length ends with its last row twice, the second time at weight 0. */
static inline __m128i column_sixteen(const uint8_t *in, size_t row_bytes,
                                     const struct img_taps *taps, uint32_t count)
{
    __m256i zero = _mm256_setzero_si256();
    struct sums left = {zero, zero}, right = left;
    for (uint32_t j = 0; j < count; j += 2, in += 2 * row_bytes) {
        const struct img_taps *t = taps + j / 4;
        struct sums weights = {_mm256_set1_epi32((int)t->low[j / 2 % 2]),
                               _mm256_set1_epi32((int)t->high[j / 2 % 2])};
        const uint8_t *below = j + 1 < count ? in + row_bytes : in;
        __m128i a = _mm_loadu_si128((const __m128i *)in);
        __m128i b = _mm_loadu_si128((const __m128i *)below);
        add(&left, _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(a, b)), weights);
        add(&right, _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(a, b)), weights);
    }
    __m256i words = _mm256_packs_epi32(round_off(whole(left)), round_off(whole(right)));
    words = _mm256_permute4x64_epi64(words, 0xd8); /* undo the pack's lane order */
    return _mm_packus_epi16(_mm256_castsi256_si128(words),
                            _mm256_extracti128_si256(words, 1));
}

void img_resize_column_avx2(uint8_t *out, const uint8_t *image, size_t row_bytes,
                            const struct img_weights *filter, uint32_t i)
{
    enum { STEP = 16 };
    if (row_bytes < STEP) {
        img_resize_column_reference(out, image, row_bytes, filter, i);
        return;
    }
    const struct img_taps *taps = filter->taps + (size_t)i * filter->stride / 4;
    const uint8_t *top = image + filter->first[i] * row_bytes;
    for (size_t x = 0; x < row_bytes; x += STEP) {
        /* The last step goes back over bytes already done rather than past the end. */
        size_t at = x + STEP <= row_bytes ? x : row_bytes - STEP;
        __m128i bytes = column_sixteen(top + at, row_bytes, taps, filter->count[i]);
        _mm_storeu_si128((__m128i *)(out + at), bytes);
    }
}
