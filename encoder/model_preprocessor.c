/*
 * model_preprocessor.c - transformers' preprocessor_config.json.
 *
 * It has had several forms: sizes are a number, or an object of "shortest_edge" or of
 * "height" and "width"; a filter is Pillow's number. What is not known here is refused:
 * a picture prepared in another way gives vectors that look right and are not.
 */
#include <math.h>
#include <string.h>

#include "base/limits.h"
#include "encoder/model_read.h"

/* Pillow's numbers of filters. */
enum { PIL_BILINEAR = 2, PIL_BICUBIC = 3 };

static enum err read_filter(struct json_object *json, enum img_filter *out)
{
    struct json_object *value = json_get(json, "resample");
    int64_t number =
        value != NULL ? json_object_get_int64(value) : PIL_BICUBIC; /* the default */
    FAIL_IF((value != NULL && !json_object_is_type(value, json_type_int)) ||
                (number != PIL_BICUBIC && number != PIL_BILINEAR),
            ERR_INVALID, "\"resample\" is neither 2 (bilinear) nor 3 (bicubic)");
    *out = number == PIL_BICUBIC ? IMG_BICUBIC : IMG_BILINEAR;
    return ERR_OK;
}

/* "height" and "width" of `json`, which must be equal. */
static enum err read_square(struct json_object *json, size_t *side)
{
    size_t width;
    TRY(model_read_count(json, "height", 0, VIT_SIZE_MAX, side));
    TRY(model_read_count(json, "width", 0, VIT_SIZE_MAX, &width));
    FAIL_IF(width != *side, ERR_INVALID, "%zu x %zu is no square", width, *side);
    return ERR_OK;
}

/* A number, or an object of "height" and "width". */
static enum err read_side(struct json_object *json, const char *key, size_t *side)
{
    struct json_object *value = json_get(json, key);
    if (!json_object_is_type(value, json_type_object)) {
        return model_read_count(json, key, 0, VIT_SIZE_MAX, side);
    }
    enum err result = read_square(value, side);
    return result == ERR_OK ? ERR_OK : err_prefix(result, "\"%s\"", key);
}

/* A lone number is the shortest side, as an object of "shortest_edge" has it. */
static enum err read_resize(struct json_object *json, struct preprocess *out)
{
    struct json_object *size = json_get(json, "size");
    size_t side;
    bool shortest = !json_object_is_type(size, json_type_object) ||
                    json_get(size, "shortest_edge") != NULL;
    if (!shortest) {
        TRY(read_side(json, "size", &side));
    } else if (json_object_is_type(size, json_type_object)) {
        FAIL_IF(json_get(size, "longest_edge") != NULL, ERR_INVALID,
                "\"size\" has a \"longest_edge\", too");
        TRY(model_read_count(size, "shortest_edge", 0, VIT_SIZE_MAX, &side));
    } else {
        TRY(model_read_count(json, "size", 0, VIT_SIZE_MAX, &side));
    }
    out->resize = shortest ? PREPROCESS_SHORTEST : PREPROCESS_SQUASH;
    out->shortest = out->width = out->height = (uint32_t)side;
    return ERR_OK;
}

static enum err read_crop(struct json_object *json, struct preprocess *out)
{
    bool crop;
    size_t side;
    TRY(model_read_bool(json, "do_center_crop", false, &crop));
    FAIL_IF(!crop && out->resize == PREPROCESS_SHORTEST, ERR_INVALID,
            "without \"do_center_crop\" pictures would come out in different shapes");
    if (!crop) {
        return ERR_OK;
    }
    TRY(read_side(json, "crop_size", &side));
    FAIL_IF(side > out->shortest, ERR_INVALID, "\"crop_size\" is larger than \"size\"");
    FAIL_IF(out->resize == PREPROCESS_SQUASH && side != out->shortest, ERR_INVALID,
            "a squashed picture that is cropped is not known to this version");
    out->width = out->height = (uint32_t)side;
    return ERR_OK;
}

/* Steps that all models of these families go through, or none. */
static enum err expect_step(struct json_object *json, const char *key, bool expected)
{
    bool wanted;
    TRY(model_read_bool(json, key, expected, &wanted));
    FAIL_IF(wanted != expected, ERR_INVALID,
            "\"%s\" is %s, which this version does not know", key,
            wanted ? "true" : "false");
    return ERR_OK;
}

enum err model_read_preprocessor(struct json_object *json, size_t size,
                                 struct preprocess *out)
{
    double scale;
    *out = (struct preprocess){.centre = PREPROCESS_FLOOR};
    TRY(expect_step(json, "do_resize", true));
    TRY(expect_step(json, "do_rescale", true));
    TRY(expect_step(json, "do_normalize", true));
    TRY(expect_step(json, "do_pad", false));
    TRY(expect_step(json, "use_square_size", false));
    TRY(expect_step(json, "rescale_offset", false));
    TRY(read_filter(json, &out->filter));
    TRY(read_resize(json, out));
    TRY(read_crop(json, out));
    TRY(model_read_positive(json, "rescale_factor", 1.0 / 255.0, &scale));
    out->scale = (float)scale;
    TRY(model_read_colours(json, "image_mean", false, out->mean));
    TRY(model_read_colours(json, "image_std", true, out->std));
    FAIL_IF(out->width != size, ERR_INVALID,
            "pictures of %u pixels a side for a tower of %zu", out->width, size);
    return ERR_OK;
}
