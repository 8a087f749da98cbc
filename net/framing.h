/*
 * framing.h - whether the headers of a request leave no doubt about where it ends.
 *
 * evhttp takes the first of two lengths, prefers chunks to a length, and passes over what
 * it does not know. A proxy before us may choose otherwise, take the end of one request
 * for the beginning of another, and so let a stranger put words into somebody else's
 * connection (request smuggling). Such requests have no honest sender; they are refused,
 * and their connection is closed, since what follows on it can't be told. One thread.
 */
#ifndef NET_FRAMING_H
#define NET_FRAMING_H

#include <stdbool.h>

#include <event2/http.h>

/*
 * False where there is more than one Content-Length, Transfer-Encoding or Host; a length
 * beside chunks; an encoding that is not just "chunked"; a length that is not digits; or
 * a name with blanks in it, as in "Content-Length : 5".
 */
bool framing_is_sound(const struct evkeyvalq *headers);

#endif
