/*
 * image_resize_avx2.c - the two passes of image_resize.c, eight sums at a time.
 *
 * AVX2 multiplies 16-bit pairs and adds them in one cheap instruction, but a weight has
 * 23 bits. So a weight is split, weight = (high << 15) + low with 0 <= low < 2^15, and
 * the two sums are put together at the end. All of it is exact in 32 bits (wrapping
 * sums included: only the end result must fit, and it does).
 */
#include <immintrin.h>

#include "encoder/image_internal.h"

enum { LOW_BITS = 15 };

/* The parts of two neighbouring weights, side by side in 32 bits, in each lane. */
struct weight_pair {
    __m256i low;
    __m256i high;
};

/* Four weights w0 w1 w2 w3 for one row step: the left half of the vector gets the pair
 * (w0, w1) four times, the right half (w2, w3). */
static inline struct weight_pair split_four(const int32_t *weights)
{
    __m128i w = _mm_loadu_si128((const __m128i *)weights);
    __m128i low = _mm_and_si128(w, _mm_set1_epi32((1 << LOW_BITS) - 1));
    __m128i high = _mm_srai_epi32(w, LOW_BITS);
    __m128i low16 = _mm_packs_epi32(low, low); /* w0 w1 w2 w3 w0 w1 w2 w3 */
    __m128i high16 = _mm_packs_epi32(high, high);
    return (struct weight_pair){
        .low = _mm256_set_m128i(_mm_shuffle_epi32(low16, 0x55),
                                _mm_shuffle_epi32(low16, 0x00)),
        .high = _mm256_set_m128i(_mm_shuffle_epi32(high16, 0x55),
                                 _mm_shuffle_epi32(high16, 0x00)),
    };
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

/* Puts the two sums together, rounds, and takes the fraction away. */
static inline __m256i finish(__m256i low, __m256i high)
{
    __m256i sum = _mm256_add_epi32(low, _mm256_slli_epi32(high, LOW_BITS));
    sum = _mm256_add_epi32(sum, _mm256_set1_epi32(1 << (IMG_RESIZE_BITS - 1)));
    return _mm256_srai_epi32(sum, IMG_RESIZE_BITS);
}

void img_resize_row_avx2(uint8_t *out, const uint8_t *row,
                         const struct img_filter *filter)
{
    for (uint32_t i = 0; i < filter->n; i++, out += 3) {
        const int32_t *weights = filter->weights + (size_t)i * filter->stride;
        const uint8_t *in = row + 3 * (size_t)filter->first[i];
        __m256i low = _mm256_setzero_si256();
        __m256i high = _mm256_setzero_si256();
        for (uint32_t j = 0; j < filter->count[i]; j += 4, in += 12) {
            __m256i pixels = load_four_pixels(in);
            struct weight_pair w = split_four(weights + j);
            low = _mm256_add_epi32(low, _mm256_madd_epi16(pixels, w.low));
            high = _mm256_add_epi32(high, _mm256_madd_epi16(pixels, w.high));
        }
        /* Both halves hold sums of the same three channels. */
        low = _mm256_add_epi32(low, _mm256_permute2x128_si256(low, low, 1));
        high = _mm256_add_epi32(high, _mm256_permute2x128_si256(high, high, 1));
        __m128i value = _mm256_castsi256_si128(finish(low, high));
        value = _mm_packus_epi16(_mm_packs_epi32(value, value), value);
        uint32_t rgb = (uint32_t)_mm_cvtsi128_si32(value);
        out[0] = (uint8_t)rgb;
        out[1] = (uint8_t)(rgb >> 8);
        out[2] = (uint8_t)(rgb >> 16);
    }
}

/* Sixteen bytes at `in`, weighted over the filter's rows two at a time. A window of odd
 * length is completed with its own last row at weight 0. */
static inline __m128i column_sixteen(const uint8_t *in, size_t row_bytes,
                                     const int32_t *weights, uint32_t count)
{
    __m256i low0 = _mm256_setzero_si256();
    __m256i low1 = low0, high0 = low0, high1 = low0;
    for (uint32_t j = 0; j < count; j += 2, in += 2 * row_bytes) {
        const uint8_t *second = j + 1 < count ? in + row_bytes : in;
        int32_t w0 = weights[j], w1 = j + 1 < count ? weights[j + 1] : 0;
        const int32_t mask = (1 << LOW_BITS) - 1;
        __m256i w_low = _mm256_set1_epi32((w0 & mask) | (w1 & mask) << 16);
        __m256i w_high = _mm256_set1_epi32(((w0 >> LOW_BITS) & 0xffff) |
                                           (int32_t)((uint32_t)(w1 >> LOW_BITS) << 16));
        __m128i a = _mm_loadu_si128((const __m128i *)in);
        __m128i b = _mm_loadu_si128((const __m128i *)second);
        __m256i left = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(a, b));
        __m256i right = _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(a, b));
        low0 = _mm256_add_epi32(low0, _mm256_madd_epi16(left, w_low));
        low1 = _mm256_add_epi32(low1, _mm256_madd_epi16(right, w_low));
        high0 = _mm256_add_epi32(high0, _mm256_madd_epi16(left, w_high));
        high1 = _mm256_add_epi32(high1, _mm256_madd_epi16(right, w_high));
    }
    __m256i words = _mm256_packs_epi32(finish(low0, high0), finish(low1, high1));
    words = _mm256_permute4x64_epi64(words, 0xd8); /* undo the pack's lane order */
    return _mm_packus_epi16(_mm256_castsi256_si128(words),
                            _mm256_extracti128_si256(words, 1));
}

void img_resize_column_avx2(uint8_t *out, const uint8_t *image, size_t row_bytes,
                            const struct img_filter *filter, uint32_t i)
{
    enum { STEP = 16 };
    if (row_bytes < STEP) {
        img_resize_column_reference(out, image, row_bytes, filter, i);
        return;
    }
    const int32_t *weights = filter->weights + (size_t)i * filter->stride;
    const uint8_t *top = image + filter->first[i] * row_bytes;
    for (size_t x = 0; x < row_bytes; x += STEP) {
        /* The last step goes back over bytes already done rather than past the end. */
        size_t at = x + STEP <= row_bytes ? x : row_bytes - STEP;
        __m128i bytes = column_sixteen(top + at, row_bytes, weights, filter->count[i]);
        _mm_storeu_si128((__m128i *)(out + at), bytes);
    }
}
