/* zlib without its own header: its init functions are macros, which Swift does not import. */
#pragma once
#include <string.h>
#include <zlib.h>

static inline int cz_inflate_start(z_stream *s) {
    memset(s, 0, sizeof *s);
    return inflateInit2(s, -15);
}
static inline int cz_deflate_start(z_stream *s) {
    memset(s, 0, sizeof *s);
    return deflateInit2(s, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
}
