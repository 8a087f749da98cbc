/*
 * limits.h - every limit of the program, with its reason.
 *
 * A request or a file that passes one gets ERR_LIMIT (HTTP 413 or 400) and a sentence
 * naming the limit. Nothing is cut silently.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

/* Vectors. */
#define LIMIT_DIM_MAX 4096      /* past any published CLIP family */
#define LIMIT_K_MAX 10000       /* results of one query; also the depth of paging */
#define LIMIT_SPACES_MAX 16     /* named vector spaces of a collection */
#define LIMIT_SPACES_EVER 65535 /* that a collection has had: each has its number */
#define LIMIT_SLOTS_MAX                                                                \
    (1u << 31) /* vectors of one space: FAISS labels stay positive */

/* Names and payloads. */
#define LIMIT_NAME_BYTES 255 /* collection and space names, as in the dialect */
#define LIMIT_PAYLOAD_BYTES (1u << 20) /* one point's JSON: it is rewritten whole */
#define LIMIT_JSON_DEPTH 32            /* nesting of any JSON we read */
#define LIMIT_COLLECTIONS_MAX 65536
#define LIMIT_ALIASES_MAX 65536   /* of all collections; also changes in a request */
#define LIMIT_OPERATIONS_MAX 1000 /* in one points/batch request */
#define LIMIT_SELECTED_POINTS                                                          \
    100000 /* by the filter of one operation: one transaction */
/* One line of `duet import`: a payload and 16 vectors of 4096 numbers fit. */
#define LIMIT_IMPORT_LINE_BYTES (16u << 20)

/* Texts. What a tower reads of a text is its own limit (max_tokens), told in the reply.
 */
#define LIMIT_TEXT_BYTES (64u << 10) /* one text to be encoded */
#define LIMIT_TEXT_TOKENS 512        /* position embeddings of any BERT */

/* Pictures; checked from the header before a pixel is allocated. */
#define LIMIT_IMAGE_FILE_BYTES (256u << 20)
#define LIMIT_IMAGE_SIDE 30000          /* pixels */
#ifndef LIMIT_IMAGE_PIXELS              /* the fuzzer's build sets a lower one */
#define LIMIT_IMAGE_PIXELS (178956970u) /* as Pillow's decompression-bomb error */
#endif
/* Of all decoded pictures of the process together, past which a decode waits: the
 * largest picture fits alone, and twenty threads cost no more than it does. At 3 bytes
 * a pixel half a gigabyte; while decoding up to 4 (alpha, WebP), 6 (being turned), 9
 * (progressive JPEG), some 14 (HEIF) or 20 (HDR). */
#define LIMIT_DECODED_PIXELS LIMIT_IMAGE_PIXELS

#define LIMIT_THUMBNAIL_BYTES (4u << 20)   /* a JPEG of 320 pixels has some 30 KB */
#define LIMIT_IMAGE_LIST_BYTES (64u << 20) /* of memory, for what an AVIF file lists */
#define LIMIT_IMAGE_FRAMES 16384           /* of an animated AVIF; the first is read */

/* Models. */
#define LIMIT_MODEL_FILE_BYTES (1ull << 36)      /* one file; weights are only mapped */
#define LIMIT_MODEL_HEADER_BYTES (100u << 20)    /* the bound of safetensors itself */
#define LIMIT_MODEL_VOCABULARY_BYTES (64u << 20) /* Gemma's tokenizer.json has 34 MB */
#define LIMIT_MODEL_CONFIG_BYTES (64u << 20)     /* other files of JSON */
#define LIMIT_MODEL_ENTRIES 100000               /* files and folders below `models` */
#define LIMIT_MODEL_TOKENS (1u << 21)            /* Gemma has 256,000 */

/* Pipelines of tokenizer.json. */
#define LIMIT_TOKEN_BYTES 1024         /* each place of a text may try that many */
#define LIMIT_TOKENIZER_STEPS 64       /* normalizers or pre-tokenizers */
#define LIMIT_TOKENIZER_SPECIAL 16     /* tokens a template adds on one side */
#define LIMIT_TOKENIZER_AFFIX_BYTES 64 /* "</w>", "##" */
#define LIMIT_TOKENIZER_TEXT_BYTES (4u << 20) /* a text after its normalizers */
#define LIMIT_REGEX_BYTES 4096                /* one pattern; CLIP's has 70 */
#define LIMIT_REGEX_RETRIES 1000000           /* of one try; ten times it in a search */
#define LIMIT_REGEX_SECONDS 2 /* of processor time, all patterns on a text */

/* Labels and phrases; each is a text to be encoded. */
#define LIMIT_LABELS_MAX 10000
#define LIMIT_TEMPLATES_MAX 256
#define LIMIT_PHRASES_MAX 200000 /* of one list: some minutes, once */
#define LIMIT_PHRASES_BYTES (64u << 20)
#define LIMIT_LABELS_BYTES (4u << 20) /* a file of labels */

/* Hubs that models are pulled from; what they send is as hostile as any input. */
#define LIMIT_HUB_ANSWER_BYTES (16u << 20) /* the list of a repository's files */
#define LIMIT_HUB_FILES 20000              /* in that list */
#define LIMIT_HUB_PATH_BYTES 512           /* of a file in that list */
#define LIMIT_HUB_SIDE_FILE_BYTES                                                      \
    (256u << 20)              /* all but weights: tokenizers are 35 MB */
#define LIMIT_HUB_SHARDS 1000 /* files that weights are split over */
#define LIMIT_HUB_REDIRECTS 10

/* Filters. A filter is looked at for every point: what one node costs is bounded. */
#define LIMIT_FILTER_BYTES (4u << 20)      /* its JSON: room for as many ids as below */
#define LIMIT_FILTER_NODES 1024            /* conditions and filters in one */
#define LIMIT_FILTER_DEPTH 16              /* of filters within filters */
#define LIMIT_FILTER_VALUES 65536          /* in one "any", "except" or "has_id" */
#define LIMIT_FILTER_WORDS 256             /* of one text to be matched */
#define LIMIT_FILTER_WORD_BYTES 256        /* the longest of them, lower-cased */
#define LIMIT_FILTER_POLYGON_CORNERS 10000 /* all rings of one polygon together */
#define LIMIT_FILTER_KEY_BYTES 1024        /* one path, as in "a.b[].c" */
#define LIMIT_FILTER_KEY_STEPS 32          /* as deep as JSON may be */

/* Queries. Each prefetch is a search of its own, each example a text to encode or a
 * vector to compare with. */
#define LIMIT_QUERY_DEPTH 8       /* of prefetches within prefetches */
#define LIMIT_QUERY_PREFETCHES 64 /* in one query, all depths together */
#define LIMIT_QUERY_EXAMPLES 256  /* in one mix or recommendation */
#define LIMIT_BATCH_QUERIES 1000  /* in one query/batch request */
#define LIMIT_BATCH_INPUTS 4096   /* of a request: their vectors are held */
#define LIMIT_GROUPED_HITS 100000 /* groups times results in each, as asked for */

/* Facets: all different values of a key are counted in memory. */
#define LIMIT_FACET_VALUES 262144     /* past what anybody calls a facet */
#define LIMIT_FACET_BYTES (64u << 20) /* of the strings among them */

/* Ranked results that are kept for paging: LIMIT_K_MAX of each at most, 24 bytes a
 * result, so 64 MB in all. Past the number: ERR_BUSY, since they go by themselves. */
#define LIMIT_PAGES_OPEN 256
#define LIMIT_PAGES_SECONDS 60 /* after its last use a list is gone */

/* Payload indexes. Each costs every write of a point. */
#define LIMIT_INDEXES_MAX 64 /* of one collection */
#define LIMIT_INDEX_FIELD_BYTES                                                        \
    LIMIT_NAME_BYTES /* its path: it stands in a URL to be removed */

/* Batches. */
#define LIMIT_BATCH_POINTS 10000        /* points in one upsert request */
#define LIMIT_ADD_GROUP 256             /* pictures in one commit of `duet add` */
#define LIMIT_ADD_LIST_BYTES (1u << 30) /* the --jsonl of `duet add` */
#define LIMIT_QUEUED_ENCODINGS                                                         \
    256 /* texts waiting for a tower, and pictures (0.8 MB each); past it: ERR_BUSY */

/* Writes of several threads that share one commit; what comes later waits for the next. */
#define LIMIT_COMMIT_WRITES 256
#define LIMIT_COMMIT_BYTES (32u << 20) /* a larger write has a commit of its own */
#define LIMIT_COMMIT_MS 20             /* spent on gathering them */

/* Time to wait for the encoder. */
#define LIMIT_ENCODE_SECONDS 30 /* a query: whoever asked has given up by then */

#define LIMIT_EMBED_INPUTS 2048    /* of one request to /v1/embeddings, as OpenAI's */
#define LIMIT_LABELLED_POINTS 1000 /* of one request */
#define LIMIT_LABELS_KEPT 8        /* lists of labels, 16 MB each at the most */
#define LIMIT_LABELS_ASKED 1000    /* of one request: 5000 sentences to be encoded */
#define LIMIT_IMPORT_LINES 100000  /* of one request to import */
#define LIMIT_IMPORT_GROUP 256     /* lines or pictures written in one transaction */

/* Snapshots. */
#define LIMIT_SNAPSHOT_BYTES (1ull << 40) /* one that comes in parts */
#define LIMIT_SNAPSHOTS_MAX 10000         /* in one list */

/* Threads. */
#define LIMIT_THREADS_MAX 256

/* HTTP. */
#define LIMIT_BODY_BYTES (64u << 20) /* one request's body */
#define LIMIT_HEADER_BYTES (32u << 10)
#define LIMIT_REPLY_BYTES (256u << 20)    /* 10,000 points with their vectors */
#define LIMIT_INFLIGHT_BYTES (512u << 20) /* of all requests held at once */
#define LIMIT_CONNECTIONS 1024
#define LIMIT_QUEUED_REQUESTS 256 /* waiting for a worker; past it: 503 */
#define LIMIT_REQUEST_SECONDS 60  /* to send one whole request, or to take its reply */
#define LIMIT_SLOW_BYTES (64u << 10) /* a second, of a file: slower takers are cut */
#define LIMIT_FORM_PARTS 10000       /* of one multipart body */
#define LIMIT_FORM_HEAD_BYTES 8192   /* the headers of one part */
#define LIMIT_IDLE_SECONDS 75        /* a kept-alive connection without a request */
#define LIMIT_DRAIN_SECONDS 30       /* what a stopped server waits for its requests */

/* Reading transactions at once, over all processes: searches, walks, backups. */
#define LIMIT_READERS 1024

/* Pictures named by URL, where the server may fetch them. A fetch holds a worker. */
#define LIMIT_IMAGE_URL_BYTES (32u << 20)
#define LIMIT_IMAGE_URL_SECONDS 10              /* redirects and all */
#define LIMIT_IMAGE_URL_FETCHES 16              /* under way at once; past it: 503 */
#define LIMIT_IMAGE_URLS 64                     /* in one request */
#define LIMIT_IMAGE_URLS_BYTES LIMIT_BODY_BYTES /* all of one request's */
#define LIMIT_IMAGE_URLS_SECONDS 30

/* The database's map: reserved, not used; halved where the system refuses. */
#define LIMIT_MAP_BYTES (1ull << 40)
#define LIMIT_MAP_BYTES_MIN (1ull << 28)

#endif
