/*
 * ranked.c - see ranked.h.
 */
#include "cli/ranked.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "cli/print.h"

static struct json_object *number(double value)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%.6f", value);
    return json_object_new_double_s(value, digits);
}

static struct json_object *item_json(const struct ranked *item,
                                     const struct ranked_words *words)
{
    struct json_object *object = json_object_new_object();
    if (object != NULL) {
        json_object_object_add(object, words->text, json_object_new_string(item->text));
        json_object_object_add(object, words->value, number(item->value));
    }
    return object;
}

static enum err print_json(const char *path, const struct ranked *items, size_t n,
                           const struct ranked_words *words)
{
    struct json_object *object = json_object_new_object();
    struct json_object *list = json_object_new_array();
    if (object == NULL || list == NULL) {
        json_object_put(object);
        json_object_put(list);
        return err_set(ERR_NOMEM, "out of memory");
    }
    json_object_object_add(object, "image", print_path_json(path));
    if (words->from != NULL) {
        json_object_object_add(object, "from", json_object_new_string(words->from));
    }
    for (size_t i = 0; i < n; i++) {
        json_object_array_add(list, item_json(&items[i], words));
    }
    json_object_object_add(object, words->list, list);
    puts(json_text(object));
    json_object_put(object);
    return ERR_OK;
}

enum err ranked_print(const struct cli *cli, const char *path,
                      const struct ranked *items, size_t n,
                      const struct ranked_words *words)
{
    if (cli->json) {
        return print_json(path, items, n, words);
    }
    if (cli->n_args > 1) {
        print_line(path);
    }
    for (size_t i = 0; i < n; i++) {
        printf("%3zu  %6.3f  ", i + 1, items[i].value);
        print_line(items[i].text);
    }
    return ERR_OK;
}
