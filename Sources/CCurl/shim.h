/* libcurl, as Swift can call it: Swift imports no variadic functions, so every option shape has a name. */
#pragma once
#include <curl/curl.h>

#include <netinet/in.h>
#include <sys/socket.h>

typedef size_t (*cc_data_callback)(char *, size_t, size_t, void *);

static inline CURLcode cc_set_long(CURL *h, CURLoption o, long v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode cc_set_size(CURL *h, CURLoption o, curl_off_t v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode cc_set_string(CURL *h, CURLoption o, const char *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode cc_set_pointer(CURL *h, CURLoption o, void *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode cc_set_callback(CURL *h, CURLoption o, cc_data_callback f) { return curl_easy_setopt(h, o, f); }
typedef curl_socket_t (*cc_socket_callback)(void *, curlsocktype, struct curl_sockaddr *);
static inline CURLcode cc_set_socket_callback(CURL *h, CURLoption o, cc_socket_callback f) { return curl_easy_setopt(h, o, f); }

/* Opens the socket that curl asks for; none for an address of the local link (RFC 3927, RFC 4291) or of a metadata
   service beyond it. */
static inline curl_socket_t cc_open_unless_link_local(const struct curl_sockaddr *a) {
    const unsigned char *b = 0;
    if (a->family == AF_INET) {
        b = (const unsigned char *)&((const struct sockaddr_in *)(const void *)&a->addr)->sin_addr;
    } else if (a->family == AF_INET6) {
        static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
        static const unsigned char amazon[16] = {0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54};
        const unsigned char *six = (const unsigned char *)&((const struct sockaddr_in6 *)(const void *)&a->addr)->sin6_addr;
        if (six[0] == 0xfe && (six[1] & 0xc0) == 0x80) return CURL_SOCKET_BAD;
        if (!__builtin_memcmp(six, amazon, 16)) return CURL_SOCKET_BAD;
        if (!__builtin_memcmp(six, mapped, 12)) b = six + 12;
    }
    /* 169.254.0.0/16, and Alibaba's 100.100.100.200 */
    if (b && ((b[0] == 169 && b[1] == 254) || (b[0] == 100 && b[1] == 100 && b[2] == 100 && b[3] == 200)))
        return CURL_SOCKET_BAD;
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static inline CURLcode cc_get_long(CURL *h, CURLINFO i, long *v) { return curl_easy_getinfo(h, i, v); }
static inline CURLMcode cc_multi_set_long(CURLM *m, CURLMoption o, long v) { return curl_multi_setopt(m, o, v); }
static inline CURLcode cc_message_result(CURLMsg *m) { return m->data.result; }

/* Macro constants that the importer drops. */
static const size_t CC_WRITE_PAUSE = CURL_WRITEFUNC_PAUSE;
static const int CC_PAUSE_CONTINUE = CURLPAUSE_CONT;
