/* cmark-gfm with tables, strikethrough, task lists and autolinks. Node kinds of the extensions are run-time
 * values there; here each kind has a constant. */
#pragma once
#include <stddef.h>

typedef struct cmark_node cmark_node;

enum cmd_kind {
    CMD_OTHER, CMD_DOCUMENT, CMD_QUOTE, CMD_LIST, CMD_ITEM, CMD_CODE_BLOCK, CMD_HTML_BLOCK, CMD_PARAGRAPH,
    CMD_HEADING, CMD_RULE, CMD_TABLE, CMD_ROW, CMD_CELL, CMD_TEXT, CMD_SOFT_BREAK, CMD_HARD_BREAK, CMD_CODE,
    CMD_HTML, CMD_EMPHASIS, CMD_STRONG, CMD_STRIKE, CMD_LINK, CMD_IMAGE
};

cmark_node *cmd_parse(const char *bytes, size_t count);
void cmd_free(cmark_node *node);
enum cmd_kind cmd_kind(cmark_node *node);
cmark_node *cmd_first_child(cmark_node *node);
cmark_node *cmd_next(cmark_node *node);
const char *cmd_literal(cmark_node *node);
const char *cmd_url(cmark_node *node);
const char *cmd_fence_info(cmark_node *node);
int cmd_start_line(cmark_node *node);
int cmd_heading_level(cmark_node *node);
/* 0 for a bullet list, otherwise the first number. */
int cmd_list_start(cmark_node *node);
/* -1: not a task item, 0: open, 1: done. */
int cmd_task(cmark_node *node);
