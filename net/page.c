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
EMBED(page_style, "net/page/style.css");
EMBED(page_app, "net/page/app.js");
EMBED(page_words, "net/page/words.js");
EMBED(page_icon, "net/page/icon.svg");

static const struct page_file {
    const char *name;
    const char *type;
    const char *begin, *end;
} files[] = {
    {"index.html", "text/html; charset=utf-8", page_index_begin, page_index_end},
    {"style.css", "text/css; charset=utf-8", page_style_begin, page_style_end},
    {"app.js", "text/javascript; charset=utf-8", page_app_begin, page_app_end},
    {"words.js", "text/javascript; charset=utf-8", page_words_begin, page_words_end},
    {"icon.svg", "image/svg+xml", page_icon_begin, page_icon_end},
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
