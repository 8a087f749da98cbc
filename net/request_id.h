/*
 * request_id.h - a name for each request, by which its lines are found in the logs of
 * whoever took part. Any thread.
 */
#ifndef NET_REQUEST_ID_H
#define NET_REQUEST_ID_H

enum { REQUEST_ID_MAX = 65 }; /* bytes, the NUL included */

/*
 * Writes to id[REQUEST_ID_MAX] what the header X-Request-Id said (`given`, NULL: there
 * was none) where that is sane: 1 to 64 letters, digits and "-_.:". Anything else could
 * break a log's line, and is replaced by a new name of 16 hexadecimal digits.
 */
void request_id_choose(const char *given, char *id);

#endif
