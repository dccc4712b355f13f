/* libcurl, as Swift can call it: Swift imports no variadic functions, so every option shape has a name. */
#pragma once
#include <curl/curl.h>

typedef size_t (*cc_data_callback)(char *, size_t, size_t, void *);

static inline CURLcode cc_set_long(CURL *h, CURLoption o, long v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode cc_set_size(CURL *h, CURLoption o, curl_off_t v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode cc_set_string(CURL *h, CURLoption o, const char *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode cc_set_pointer(CURL *h, CURLoption o, void *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode cc_set_callback(CURL *h, CURLoption o, cc_data_callback f) { return curl_easy_setopt(h, o, f); }
static inline CURLcode cc_get_long(CURL *h, CURLINFO i, long *v) { return curl_easy_getinfo(h, i, v); }
static inline CURLMcode cc_multi_set_long(CURLM *m, CURLMoption o, long v) { return curl_multi_setopt(m, o, v); }
static inline CURLcode cc_message_result(CURLMsg *m) { return m->data.result; }

/* Macro constants that the importer drops. */
static const size_t CC_WRITE_PAUSE = CURL_WRITEFUNC_PAUSE;
static const int CC_PAUSE_CONTINUE = CURLPAUSE_CONT;
