#include "CMarkdown.h"
#include <cmark-gfm.h>
#include <cmark-gfm-extension_api.h>
#include <cmark-gfm-core-extensions.h>
#include <pthread.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static void register_extensions(void) { cmark_gfm_core_extensions_ensure_registered(); }

cmark_node *cmd_parse(const char *bytes, size_t count) {
    static const char *const names[] = {"table", "strikethrough", "tasklist", "autolink"};
    pthread_once(&once, register_extensions);
    cmark_parser *parser = cmark_parser_new(CMARK_OPT_DEFAULT | CMARK_OPT_VALIDATE_UTF8);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cmark_syntax_extension *extension = cmark_find_syntax_extension(names[i]);
        if (extension) cmark_parser_attach_syntax_extension(parser, extension);
    }
    cmark_parser_feed(parser, bytes, count);
    cmark_node *document = cmark_parser_finish(parser);
    cmark_parser_free(parser);
    return document;
}

void cmd_free(cmark_node *node) { cmark_node_free(node); }

enum cmd_kind cmd_kind(cmark_node *node) {
    switch (cmark_node_get_type(node)) {
    case CMARK_NODE_DOCUMENT: return CMD_DOCUMENT;
    case CMARK_NODE_BLOCK_QUOTE: return CMD_QUOTE;
    case CMARK_NODE_LIST: return CMD_LIST;
    case CMARK_NODE_ITEM: return CMD_ITEM;
    case CMARK_NODE_CODE_BLOCK: return CMD_CODE_BLOCK;
    case CMARK_NODE_HTML_BLOCK: return CMD_HTML_BLOCK;
    case CMARK_NODE_PARAGRAPH: return CMD_PARAGRAPH;
    case CMARK_NODE_HEADING: return CMD_HEADING;
    case CMARK_NODE_THEMATIC_BREAK: return CMD_RULE;
    case CMARK_NODE_TEXT: return CMD_TEXT;
    case CMARK_NODE_SOFTBREAK: return CMD_SOFT_BREAK;
    case CMARK_NODE_LINEBREAK: return CMD_HARD_BREAK;
    case CMARK_NODE_CODE: return CMD_CODE;
    case CMARK_NODE_HTML_INLINE: return CMD_HTML;
    case CMARK_NODE_EMPH: return CMD_EMPHASIS;
    case CMARK_NODE_STRONG: return CMD_STRONG;
    case CMARK_NODE_LINK: return CMD_LINK;
    case CMARK_NODE_IMAGE: return CMD_IMAGE;
    default: break;
    }
    const char *name = cmark_node_get_type_string(node);
    if (!strcmp(name, "table")) return CMD_TABLE;
    if (!strcmp(name, "table_row") || !strcmp(name, "table_header")) return CMD_ROW;
    if (!strcmp(name, "table_cell")) return CMD_CELL;
    if (!strcmp(name, "strikethrough")) return CMD_STRIKE;
    if (!strcmp(name, "tasklist")) return CMD_ITEM;
    return CMD_OTHER;
}

cmark_node *cmd_first_child(cmark_node *node) { return cmark_node_first_child(node); }
cmark_node *cmd_next(cmark_node *node) { return cmark_node_next(node); }
const char *cmd_literal(cmark_node *node) { return cmark_node_get_literal(node); }
const char *cmd_url(cmark_node *node) { return cmark_node_get_url(node); }
const char *cmd_fence_info(cmark_node *node) { return cmark_node_get_fence_info(node); }
int cmd_start_line(cmark_node *node) { return cmark_node_get_start_line(node); }
int cmd_heading_level(cmark_node *node) { return cmark_node_get_heading_level(node); }
int cmd_list_start(cmark_node *node) {
    return cmark_node_get_list_type(node) == CMARK_ORDERED_LIST ? cmark_node_get_list_start(node) : 0;
}
int cmd_task(cmark_node *node) {
    if (strcmp(cmark_node_get_type_string(node), "tasklist")) return -1;
    return cmark_gfm_extensions_get_tasklist_item_checked(node) ? 1 : 0;
}
