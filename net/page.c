/*
 * page.c - the web page at /dashboard: files of net/page/, put into the program by the
 * assembler, so that one file is all there is to install.
 *
 * The page may load nothing but its own files and talk to nobody but this server.
 */
#include <string.h>

#include "net/api.h"
#include "net/embed.h"

EMBED(page_index, "net/page/index.html");
EMBED(page_icon, "net/page/icon.svg");
EMBED(page_style, "net/page/style.css");
EMBED(page_dialogs, "net/page/dialogs.css");
EMBED(page_app, "net/page/app.js");
EMBED(page_collections, "net/page/collections.js");
EMBED(page_filters, "net/page/filters.js");
EMBED(page_grid, "net/page/grid.js");
EMBED(page_item, "net/page/item.js");
EMBED(page_make, "net/page/make.js");
EMBED(page_question, "net/page/question.js");
EMBED(page_server, "net/page/server.js");
EMBED(page_upload, "net/page/upload.js");
EMBED(page_view, "net/page/view.js");
EMBED(page_words, "net/page/words.js");

#define FILE_OF(symbol, name, type)                                                    \
    {                                                                                  \
        name, type, page_##symbol##_begin, page_##symbol##_end                         \
    }
#define HTML "text/html; charset=utf-8"
#define CSS "text/css; charset=utf-8"
#define SCRIPT "text/javascript; charset=utf-8"

static const struct page_file {
    const char *name;
    const char *type;
    const char *begin, *end;
} files[] = {
    FILE_OF(index, "index.html", HTML),
    FILE_OF(icon, "icon.svg", "image/svg+xml"),
    FILE_OF(style, "style.css", CSS),
    FILE_OF(dialogs, "dialogs.css", CSS),
    FILE_OF(app, "app.js", SCRIPT),
    FILE_OF(collections, "collections.js", SCRIPT),
    FILE_OF(filters, "filters.js", SCRIPT),
    FILE_OF(grid, "grid.js", SCRIPT),
    FILE_OF(item, "item.js", SCRIPT),
    FILE_OF(make, "make.js", SCRIPT),
    FILE_OF(question, "question.js", SCRIPT),
    FILE_OF(server, "server.js", SCRIPT),
    FILE_OF(upload, "upload.js", SCRIPT),
    FILE_OF(view, "view.js", SCRIPT),
    FILE_OF(words, "words.js", SCRIPT),
};

static enum err send_file(struct api_call *call, const char *name)
{
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const struct page_file *file = &files[i];
        if (strcmp(file->name, name) == 0) {
            call->type = file->type;
            call->cache = "no-cache";
            call->csp = "default-src 'none'; script-src 'self'; style-src 'self'; "
                        "img-src 'self' blob: data:; connect-src 'self'; "
                        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
            return buf_append(&call->out.text, file->begin,
                              (size_t)(file->end - file->begin));
        }
    }
    return err_set(ERR_NOT_FOUND, "the page has no such file");
}

enum err api_page_index(struct api_call *call)
{
    return send_file(call, "index.html");
}

enum err api_page_file(struct api_call *call)
{
    return send_file(call, call->match.params[0]);
}
