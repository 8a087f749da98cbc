/*
 * label_list.c - see label_list.h.
 */
#include "cli/label_list.h"

#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/limits.h"

/* The text up to `end` without white space around; ends it by a NUL. */
static char *trim(char *text, char *end)
{
    while (end > text && strchr(" \t\r", end[-1]) != NULL) {
        end--;
    }
    *end = '\0';
    return text + strspn(text, " \t");
}

/* Splits list->text at `comma`; a blank piece is an error, or passed over. */
static enum err split(struct label_list *list, char comma, bool blanks)
{
    size_t n = 1;
    for (size_t i = 0; i < list->text.size; i++) {
        n += list->text.data[i] == comma;
    }
    list->items = alloc_array(n, sizeof *list->items);
    if (list->items == NULL) {
        return ERR_NOMEM;
    }
    char *next = list->text.data;
    for (size_t i = 0; i < n; i++) {
        char *end = strchr(next, comma);
        end = end != NULL ? end : list->text.data + list->text.size;
        const char *label = trim(next, end);
        FAIL_IF(label[0] == '\0' && !blanks, ERR_INVALID, "label %zu is empty", i + 1);
        if (label[0] != '\0') {
            list->items[list->n++] = label;
        }
        next = end + 1;
    }
    FAIL_IF(list->n == 0, ERR_INVALID, "there are no labels");
    return ERR_OK;
}

/* The byte order mark that editors of Windows begin a file with is no part of the first
 * label. */
static void skip_mark(struct buf *text)
{
    if (text->size >= 3 && memcmp(text->data, "\xef\xbb\xbf", 3) == 0) {
        memset(text->data, ' ', 3);
    }
}

enum err label_list_read(struct label_list *list, const struct cli *cli)
{
    *list = (struct label_list){0};
    buf_init(&list->text, LIMIT_LABELS_BYTES);
    FAIL_IF((cli->labels != NULL) == (cli->labels_file != NULL), ERR_INVALID,
            "say the labels: --labels \"cat,dog\", or --labels-file FILE");
    if (cli->labels != NULL) {
        TRY(buf_append(&list->text, cli->labels, strlen(cli->labels)));
        return split(list, ',', false);
    }
    TRY(file_read(cli->labels_file, &list->text));
    FAIL_IF(memchr(list->text.data, '\0', list->text.size) != NULL, ERR_INVALID,
            "%s: not a text", cli->labels_file);
    skip_mark(&list->text);
    return split(list, '\n', true);
}

void label_list_release(struct label_list *list)
{
    alloc_free(list->items);
    buf_release(&list->text);
}
