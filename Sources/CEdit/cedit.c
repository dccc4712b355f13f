#include "CEdit.h"
#include <errno.h>
#include <histedit.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <wchar.h>

struct edit_line {
    EditLine *editor;
    History *history;
    char *history_path;
    char *prompt;
    char *text;
    edit_complete complete;
    void *context;
    int wake;
    volatile sig_atomic_t interrupted;
};

static edit_line *interrupt_target;

static void on_interrupt(int number) {
    (void)number;
    if (!interrupt_target) return;
    interrupt_target->interrupted = 1;
    unsigned long one = 1;
    ssize_t ignored = write(interrupt_target->wake, &one, sizeof one);
    (void)ignored;
}

static edit_line *owner(EditLine *editor) {
    edit_line *line;
    el_get(editor, EL_CLIENTDATA, &line);
    return line;
}

static char *show_prompt(EditLine *editor) { return owner(editor)->prompt; }

static unsigned char complete_word(EditLine *editor, int key) {
    (void)key;
    edit_line *line = owner(editor);
    const LineInfo *info = el_line(editor);
    char *copy = strndup(info->buffer, (size_t)(info->cursor - info->buffer));
    char *insert = line->complete ? line->complete(copy, line->context) : NULL;
    free(copy);
    if (!insert) return CC_ERROR;
    int failed = el_insertstr(editor, insert) == -1;
    free(insert);
    return failed ? CC_ERROR : CC_REFRESH;
}

/* Waits in poll(2), because SIGINT may be delivered to any thread: its handler rings the descriptor. */
static int read_character(EditLine *editor, wchar_t *result) {
    edit_line *line = owner(editor);
    mbstate_t state;
    memset(&state, 0, sizeof state);
    for (;;) {
        struct pollfd sources[2] = {{0, POLLIN, 0}, {line->wake, POLLIN, 0}};
        if (poll(sources, 2, -1) < 0 && errno != EINTR) return -1;
        if (line->interrupted) {
            unsigned long count;
            ssize_t ignored = read(line->wake, &count, sizeof count);
            (void)ignored;
            return -1;
        }
        if (!(sources[0].revents & (POLLIN | POLLHUP))) continue;
        char byte;
        ssize_t count = read(0, &byte, 1);
        if (count == 0) return 0;
        if (count < 0) {
            if (errno == EINTR) continue;
            return -1;
        }
        size_t length = mbrtowc(result, &byte, 1, &state);
        if (length == (size_t)-2) continue;
        if (length == (size_t)-1) *result = 0xFFFD;
        return 1;
    }
}

edit_line *edit_open(const char *program, const char *history_path, int history_size) {
    edit_line *line = calloc(1, sizeof *line);
    if (!line) return NULL;
    line->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    line->editor = el_init(program, stdin, stdout, stderr);
    if (!line->editor) {
        free(line);
        return NULL;
    }
    HistEvent event;
    line->history = history_init();
    history(line->history, &event, H_SETSIZE, history_size);
    history(line->history, &event, H_SETUNIQUE, 1);
    if (history_path) {
        line->history_path = strdup(history_path);
        history(line->history, &event, H_LOAD, history_path);
    }
    el_set(line->editor, EL_CLIENTDATA, line);
    el_set(line->editor, EL_PROMPT, show_prompt);
    el_set(line->editor, EL_EDITOR, "emacs");
    el_set(line->editor, EL_SIGNAL, 0);
    el_set(line->editor, EL_HIST, history, line->history);
    el_set(line->editor, EL_ADDFN, "cleo-complete", "complete", complete_word);
    el_set(line->editor, EL_BIND, "^I", "cleo-complete", NULL);
    el_set(line->editor, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_wset(line->editor, EL_GETCFN, read_character);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_interrupt;
    interrupt_target = line;
    sigaction(SIGINT, &action, NULL);
    return line;
}

void edit_set_complete(edit_line *line, edit_complete complete, void *context) {
    line->complete = complete;
    line->context = context;
}

int edit_read(edit_line *line, const char *prompt, const char **result) {
    free(line->prompt);
    line->prompt = strdup(prompt);
    line->interrupted = 0;
    int count = 0;
    const char *text = el_gets(line->editor, &count);
    if (!text || count <= 0) {
        if (!line->interrupted) return 0;
        line->interrupted = 0;
        el_reset(line->editor);
        ssize_t ignored = write(1, "^C\n", 3);
        (void)ignored;
        return -1;
    }
    size_t length = (size_t)count;
    while (length && (text[length - 1] == '\n' || text[length - 1] == '\r')) length--;
    free(line->text);
    line->text = strndup(text, length);
    *result = line->text;
    return 1;
}

void edit_remember(edit_line *line, const char *text) {
    HistEvent event;
    history(line->history, &event, H_ENTER, text);
    if (line->history_path) history(line->history, &event, H_SAVE, line->history_path);
}

void edit_close(edit_line *line) {
    if (!line) return;
    if (interrupt_target == line) interrupt_target = NULL;
    history_end(line->history);
    el_end(line->editor);
    close(line->wake);
    free(line->prompt);
    free(line->text);
    free(line->history_path);
    free(line);
}
