/* libedit's line editor. Its calls are variadic; these are not. One thread owns it. */
#pragma once

typedef struct edit_line edit_line;

/* What may complete the word before the cursor: the text to insert, from malloc, or NULL. */
typedef char *(*edit_complete)(const char *line, void *context);

edit_line *edit_open(const char *program, const char *history_path, int history_size);
void edit_set_complete(edit_line *line, edit_complete complete, void *context);
/* Reads a line; the result belongs to `line`. Returns 1; 0 at the end of input; -1 when interrupted. */
int edit_read(edit_line *line, const char *prompt, const char **result);
void edit_remember(edit_line *line, const char *text);
void edit_close(edit_line *line);
