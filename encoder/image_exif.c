/*
 * image_exif.c - what EXIF says, through libexif.
 *
 * EXIF is an extra, and cameras, phones and editors write all kinds of it: a field is
 * taken only if every part of it makes sense, and nothing else fails a picture.
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <libexif/exif-data.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "encoder/image_internal.h"

/* Real blocks are below 64 KiB, JPEG's own bound; PNG and HEIF would allow gigabytes.
 */
enum { EXIF_BYTES_MAX = 1 << 20 };

static const char exif_mark[6] = "Exif\0";

static ExifEntry *entry_of(ExifData *exif, ExifIfd ifd, ExifTag tag, ExifFormat format)
{
    ExifEntry *entry = exif_content_get_entry(exif->ifd[ifd], tag);
    if (entry == NULL || entry->format != format || entry->data == NULL) {
        return NULL;
    }
    return entry;
}

/* The text of an ASCII entry without padding into dst[size]; false where it is absent,
 * empty, too long, not UTF-8, or holds control characters. */
static bool text_of(ExifData *exif, ExifIfd ifd, ExifTag tag, char *dst, size_t size)
{
    ExifEntry *entry = entry_of(exif, ifd, tag, EXIF_FORMAT_ASCII);
    if (entry == NULL) {
        return false;
    }
    const char *text = (const char *)entry->data;
    size_t n = strnlen(text, entry->size);
    while (n > 0 && text[n - 1] == ' ') {
        n--;
    }
    while (n > 0 && text[0] == ' ') {
        text++;
        n--;
    }
    if (n == 0 || n >= size || !utf8_valid(text, n)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (iscntrl((unsigned char)text[i])) {
            return false;
        }
    }
    memcpy(dst, text, n);
    dst[n] = '\0';
    return true;
}

static void read_orientation(ExifData *exif, struct img_task *task)
{
    ExifEntry *entry =
        entry_of(exif, EXIF_IFD_0, EXIF_TAG_ORIENTATION, EXIF_FORMAT_SHORT);
    if (entry == NULL || entry->size < 2) {
        return;
    }
    unsigned value = exif_get_short(entry->data, exif_data_get_byte_order(exif));
    if (value >= 1 && value <= 8) {
        task->orientation = value;
    }
}

/* Two digits as a number. */
static int two_digits(const char *text)
{
    return (text[0] - '0') * 10 + (text[1] - '0');
}

/* "2024:05:01 12:30:00" as "2024-05-01T12:30:00" in dst[20]; false if it is no moment.
 */
static bool format_time(const char *text, char *dst)
{
    static const char pattern[] = "0000:00:00 00:00:00";
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (size_t i = 0; i < sizeof(pattern); i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        if (pattern[i] == '0' ? !digit : text[i] != pattern[i]) {
            return false;
        }
    }
    int year = two_digits(text) * 100 + two_digits(text + 2);
    int month = two_digits(text + 5);
    int day = two_digits(text + 8);
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (year == 0 || month < 1 || month > 12 || day < 1 || day > days[month - 1] ||
        (month == 2 && day == 29 && !leap) || two_digits(text + 11) > 23 ||
        two_digits(text + 14) > 59 || two_digits(text + 17) > 59) {
        return false;
    }
    memcpy(dst, text, sizeof(pattern));
    dst[4] = dst[7] = '-';
    dst[10] = 'T';
    return true;
}

/* The first of the three moments EXIF knows that is one. */
static void read_taken(ExifData *exif, struct img_meta *meta)
{
    static const struct {
        ExifIfd ifd;
        ExifTag tag;
    } places[] = {
        {EXIF_IFD_EXIF, EXIF_TAG_DATE_TIME_ORIGINAL},
        {EXIF_IFD_EXIF, EXIF_TAG_DATE_TIME_DIGITIZED},
        {EXIF_IFD_0, EXIF_TAG_DATE_TIME},
    };
    char text[32];
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (text_of(exif, places[i].ifd, places[i].tag, text, sizeof(text)) &&
            format_time(text, meta->taken)) {
            return;
        }
    }
}

/* Maker and model; most models repeat the maker, which then stands once. */
static void read_camera(ExifData *exif, struct img_meta *meta)
{
    char maker[64] = "";
    char model[64] = "";
    (void)text_of(exif, EXIF_IFD_0, EXIF_TAG_MAKE, maker, sizeof(maker));
    (void)text_of(exif, EXIF_IFD_0, EXIF_TAG_MODEL, model, sizeof(model));
    bool both = maker[0] != '\0' && model[0] != '\0';
    bool repeated = both && strncasecmp(model, maker, strlen(maker)) == 0;
    (void)snprintf(meta->camera, sizeof(meta->camera), "%s%s%s", repeated ? "" : maker,
                   both && !repeated ? " " : "", model);
}

/* Degrees, minutes and seconds as degrees in 0..max; NaN where they are not that. */
static double read_angle(ExifData *exif, ExifTag tag, double max)
{
    ExifEntry *entry = entry_of(exif, EXIF_IFD_GPS, tag, EXIF_FORMAT_RATIONAL);
    if (entry == NULL || entry->components != 3 || entry->size < 24) {
        return NAN;
    }
    double part[3];
    for (size_t i = 0; i < 3; i++) {
        ExifRational value =
            exif_get_rational(entry->data + 8 * i, exif_data_get_byte_order(exif));
        /* Some cameras write 0/0 for seconds they do not give. */
        bool nothing = value.numerator == 0 && value.denominator == 0 && i == 2;
        part[i] = nothing ? 0.0 : (double)value.numerator / value.denominator;
        if (!isfinite(part[i]) || (i > 0 && part[i] >= 60.0 + 1e-9)) {
            return NAN;
        }
    }
    double degrees = part[0] + part[1] / 60.0 + part[2] / 3600.0;
    return degrees <= max ? degrees : NAN;
}

/* The sign that the letter of a reference tag gives: +1, -1, or 0 for another letter.
 */
static double read_sign(ExifData *exif, ExifTag tag, char plus, char minus)
{
    char letter[4];
    if (!text_of(exif, EXIF_IFD_GPS, tag, letter, sizeof(letter))) {
        return 0.0;
    }
    int upper = toupper((unsigned char)letter[0]);
    return upper == plus ? 1.0 : upper == minus ? -1.0 : 0.0;
}

/* GPS tags have names of their own in libexif's headers because their numbers collide
 * with those of other blocks; the casts say that this is meant. */
static void read_place(ExifData *exif, struct img_meta *meta)
{
    double north = read_sign(exif, (ExifTag)EXIF_TAG_GPS_LATITUDE_REF, 'N', 'S');
    double east = read_sign(exif, (ExifTag)EXIF_TAG_GPS_LONGITUDE_REF, 'E', 'W');
    double latitude = read_angle(exif, (ExifTag)EXIF_TAG_GPS_LATITUDE, 90.0);
    double longitude = read_angle(exif, (ExifTag)EXIF_TAG_GPS_LONGITUDE, 180.0);
    if (north != 0.0 && east != 0.0 && !isnan(latitude) && !isnan(longitude)) {
        meta->latitude = north * latitude;
        meta->longitude = east * longitude;
    }
}

/* libexif wants the mark that JPEG has in front. *out is NULL where memory is short;
 * bytes that are no EXIF give one without entries. */
static enum err load(ExifData **out, const uint8_t *bytes, size_t n)
{
    bool marked = n >= sizeof(exif_mark) && memcmp(bytes, exif_mark, 6) == 0;
    if (marked) {
        *out = exif_data_new_from_data(bytes, (unsigned)n);
    } else {
        uint8_t *copy = alloc_array(n + sizeof(exif_mark), 1);
        if (copy == NULL) {
            return ERR_NOMEM;
        }
        memcpy(copy, exif_mark, sizeof(exif_mark));
        memcpy(copy + sizeof(exif_mark), bytes, n);
        *out = exif_data_new_from_data(copy, (unsigned)(n + sizeof(exif_mark)));
        alloc_free(copy);
    }
    FAIL_IF(*out == NULL, ERR_NOMEM, "out of memory reading EXIF");
    return ERR_OK;
}

enum err img_exif_read(struct img_task *task, const uint8_t *exif, size_t n)
{
    if (n == 0 || n > EXIF_BYTES_MAX) {
        return ERR_OK;
    }
    ExifData *data;
    TRY(load(&data, exif, n));
    read_orientation(data, task);
    read_taken(data, task->meta);
    read_camera(data, task->meta);
    read_place(data, task->meta);
    exif_data_unref(data);
    return ERR_OK;
}
