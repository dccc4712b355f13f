/* PCRE2, eight bits, in the flavour that JSON Schema and users' patterns expect.
 * UTF; \uXXXX; `$` only at the very end; \d and \w stay ASCII. */
#pragma once
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

static inline pcre2_code *cp_compile(
    const unsigned char *pattern, size_t length, int caseless, int *error, size_t *offset) {
    pcre2_compile_context *context = pcre2_compile_context_create(0);
    pcre2_set_compile_extra_options(context, PCRE2_EXTRA_ALT_BSUX);
    uint32_t options = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALLOW_EMPTY_CLASS
        | PCRE2_MATCH_UNSET_BACKREF | (caseless ? PCRE2_CASELESS : 0);
    PCRE2_SIZE at = 0;
    pcre2_code *code = pcre2_compile(pattern, length, options, error, &at, context);
    *offset = at;
    pcre2_compile_context_free(context);
    return code;
}

/* Bounded work: a hostile pattern gives PCRE2_ERROR_MATCHLIMIT instead of hanging. */
static inline pcre2_match_context *cp_limits(void) {
    pcre2_match_context *context = pcre2_match_context_create(0);
    pcre2_set_match_limit(context, 1000000);
    pcre2_set_depth_limit(context, 10000);
    return context;
}

static inline pcre2_match_data *cp_match_data(const pcre2_code *code) {
    return pcre2_match_data_create_from_pattern(code, 0);
}

