/*
 * model_probe.c - see model_probe.h.
 */
#include "db/model_probe.h"

#include <string.h>

#include "base/alloc.h"

enum { WIDTH = 320, HEIGHT = 240, DISCS = 4, BAR = 16 };

const char *const probe_texts[PROBE_TEXTS] = {
    "a dog on a beach",
    "two red apples beside a blue cup on a wooden table",
    "Straße, café & 3.5\" screws — 50% off!",
    "一只狗在海滩上奔跑",
    "桌子上有两个红苹果和一个蓝色的杯子",
    "🐕🏖️ 😀",
};

enum err probe_open(struct enc **out, const char *folder)
{
    struct enc *enc;
    *out = NULL;
    TRY(enc_open(&enc, folder));
    enum err result = enc_open_towers(enc);
    if (result != ERR_OK) {
        enc_close(enc);
        return result;
    }
    *out = enc;
    return ERR_OK;
}

static void put(uint8_t *pixel, unsigned r, unsigned g, unsigned b)
{
    pixel[0] = (uint8_t)(r & 255);
    pixel[1] = (uint8_t)(g & 255);
    pixel[2] = (uint8_t)(b & 255);
}

/* A slope of colours, some discs over it, and bars across the lower part. */
static void draw_pixel(uint8_t *pixel, int x, int y, int i)
{
    put(pixel, (unsigned)(x * 255 / (WIDTH - 1)), (unsigned)(y * 255 / (HEIGHT - 1)),
        (unsigned)(40 + 90 * i));
    for (int d = 0; d < DISCS; d++) {
        int dx = x - (40 + 75 * d + 13 * i), dy = y - (60 + 37 * d % 120);
        int radius = 18 + 9 * ((d + i) % 4);
        if (dx * dx + dy * dy <= radius * radius) {
            put(pixel, (unsigned)(230 - 60 * d), (unsigned)(50 + 80 * ((d + i) % 3)),
                (unsigned)(20 + 70 * d));
        }
    }
    if (y >= 190 && (x / BAR + i) % 3 == 0) {
        put(pixel, (unsigned)(255 * (i == 0)), (unsigned)(200 * (i == 1)),
            (unsigned)(180 * (i == 2)));
    }
}

enum err probe_draw(struct img *out, unsigned i)
{
    *out = (struct img){
        .rgb = alloc_array(WIDTH * HEIGHT, 3), .width = WIDTH, .height = HEIGHT};
    if (out->rgb == NULL) {
        *out = (struct img){0};
        return ERR_NOMEM;
    }
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            draw_pixel(out->rgb + 3 * (y * WIDTH + x), x, y, (int)i);
        }
    }
    return ERR_OK;
}

enum err probe_text(struct enc *enc, unsigned i, float *vector)
{
    return enc_text(enc, probe_texts[i], strlen(probe_texts[i]), vector, NULL);
}

enum err probe_picture(struct enc *enc, unsigned i, float *vector)
{
    struct img picture;
    TRY(probe_draw(&picture, i));
    enum err result = enc_image(enc, &picture, vector);
    img_release(&picture);
    return result;
}
