#define NCURSES_WIDECHAR 1
#include "CTerminal.h"
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <ncursesw/curses.h>
#include <ncursesw/term.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#define OWN_MODES_ON "\033[?2004h\033[>4;1m"
#define OWN_MODES_OFF "\033[?2026l\033[?1006l\033[?1002l\033[>4;0m\033[?2004l"
#define MOUSE_ON "\033[?1002h\033[?1006h"
#define STYLES 256
#define CLUSTERS 4096

static SCREEN *screen;
static int wake_handle = -1, signal_pipe[2] = {-1, -1}, error_log = -1, real_error = -1, mouse_wanted;
static struct termios saved_modes;
static volatile sig_atomic_t active, got_resize, got_continue, got_signal;
static char restore[512];
static size_t restore_count;
static char alternate_stack[65536];
static struct sigaction old_fatal[65];
static attr_t style_attributes[STYLES];
static int style_pairs[STYLES];
static cchar_t clusters[CLUSTERS];
static uint32_t cluster_count;

static void write_all(int handle, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t written = write(handle, bytes, count);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;
        bytes += written;
        count -= (size_t)written;
    }
}

/* Only async-signal-safe calls: write, tcsetattr, lseek, pread, dup2, sigaction, raise. */
static void on_fatal(int number, siginfo_t *info, void *context) {
    (void)context;
    if (active) {
        active = 0;
        write_all(1, restore, restore_count);
        tcsetattr(0, TCSANOW, &saved_modes);
        if (error_log >= 0) {
            char tail[4096];
            off_t end = lseek(error_log, 0, SEEK_END), from = end > 4096 ? end - 4096 : 0;
            ssize_t count = pread(error_log, tail, sizeof tail, from);
            if (count > 0) write_all(real_error, tail, (size_t)count);
        }
        dup2(real_error, 2);
        static const char note[] = "\r\ncleo-tui crashed; the conversation is saved up to this moment\r\n";
        write_all(2, note, sizeof note - 1);
    }
    sigaction(number, &old_fatal[number], NULL); /* the old handler goes on: Swift's backtrace or the default */
    if (info->si_code <= 0) raise(number);       /* sent by kill or abort; a real fault happens again by itself */
}

static void on_note(int number) {
    int kept = errno;
    if (number == SIGWINCH) got_resize = 1;
    else if (number == SIGCONT) got_continue = 1;
    else got_signal = number;
    char byte = 1;
    ssize_t ignored = write(signal_pipe[1], &byte, 1);
    (void)ignored;
    errno = kept;
}

static void build_restore(void) {
    const char *parts[] = {OWN_MODES_OFF, tigetstr("sgr0"), tigetstr("cnorm"), tigetstr("rmkx"), tigetstr("rmcup")};
    restore_count = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!parts[i] || parts[i] == (char *)-1) continue;
        size_t count = strlen(parts[i]);
        if (restore_count + count > sizeof restore) continue;
        memcpy(restore + restore_count, parts[i], count);
        restore_count += count;
    }
}

static void install_handlers(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    sigfillset(&action.sa_mask);
    action.sa_handler = on_note;
    action.sa_flags = SA_RESTART;
    const int notes[] = {SIGWINCH, SIGCONT, SIGTERM, SIGHUP, SIGINT};
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) sigaction(notes[i], &action, NULL);

    stack_t stack = {.ss_sp = alternate_stack, .ss_size = sizeof alternate_stack};
    sigaltstack(&stack, NULL);
    action.sa_sigaction = on_fatal;
    action.sa_flags = SA_ONSTACK | SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    const int fatal[] = {SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV};
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) sigaction(fatal[i], &action, &old_fatal[fatal[i]]);
    signal(SIGPIPE, SIG_IGN);
}

void term_set_locale(void) {
    setlocale(LC_ALL, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8")) setlocale(LC_CTYPE, "C.UTF-8");
    setlocale(LC_NUMERIC, "C");
}

static void own_modes_on(void) {
    putp(OWN_MODES_ON);
    if (mouse_wanted) putp(MOUSE_ON);
    fflush(stdout);
}

int term_start(const char *type, int mouse) {
    mouse_wanted = mouse;
    if (tcgetattr(0, &saved_modes)) return -1;
    if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK)) return -1;
    wake_handle = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    real_error = fcntl(2, F_DUPFD_CLOEXEC, 10);
    install_handlers(); /* before newterm, so that ncurses leaves SIGWINCH alone */
    screen = newterm(type, stdout, stdin);
    if (!screen) return -1;
    if (!tigetstr("cup") || tigetstr("cup") == (char *)-1) {
        endwin();
        delscreen(screen);
        screen = NULL;
        return -1;
    }
    /* What ncurses, the runtime or a library says on standard error must not fall into the picture. */
    error_log = memfd_create("cleo-errors", MFD_CLOEXEC);
    if (error_log >= 0) dup2(error_log, 2);
    raw();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    meta(stdscr, TRUE);
    typeahead(-1); /* looking for input after every line means one small write per line */
    if (has_colors()) {
        start_color();
        use_default_colors();
    }
    build_restore();
    active = 1;
    own_modes_on();
    return 0;
}

void term_stop(void) {
    if (!screen) return;
    putp(OWN_MODES_OFF);
    fflush(stdout);
    endwin();
    active = 0;
    dup2(real_error, 2);
    delscreen(screen);
    screen = NULL;
}

void term_suspend(void) {
    putp(OWN_MODES_OFF);
    def_prog_mode();
    endwin();
    active = 0;
    kill(0, SIGSTOP);
    active = 1;
    reset_prog_mode();
    own_modes_on();
    term_read_size();
    clearok(curscr, TRUE);
    wrefresh(curscr);
}

int term_rows(void) { return LINES; }
int term_columns(void) { return COLS; }
int term_colors(void) { return has_colors() ? COLORS : 0; }
int term_signal(void) { return got_signal; }

void term_read_size(void) {
    struct winsize size;
    if (ioctl(1, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col) resizeterm(size.ws_row, size.ws_col);
}

void term_define_style(uint16_t style, int foreground, int attributes) {
    if (style >= STYLES) return;
    attr_t bits = 0;
    if (attributes & TERM_BOLD) bits |= WA_BOLD;
    if (attributes & TERM_DIM) bits |= WA_DIM;
    if (attributes & TERM_ITALIC) bits |= WA_ITALIC;
    if (attributes & TERM_UNDERLINE) bits |= WA_UNDERLINE;
    if (attributes & TERM_REVERSE) bits |= WA_REVERSE;
    int pair = 0;
    if (foreground >= 0 && has_colors() && foreground < COLORS) {
        pair = alloc_pair(foreground, -1);
        if (pair < 0) pair = 0; /* a pair that failed would paint black on black */
    }
    style_attributes[style] = bits;
    style_pairs[style] = pair;
}

uint32_t term_cluster(const uint32_t *scalars, int count) {
    wchar_t text[CCHARW_MAX + 1];
    int used = count < CCHARW_MAX ? count : CCHARW_MAX;
    for (int i = 0; i < used; i++) text[i] = (wchar_t)scalars[i];
    text[used] = 0;
    uint32_t index = cluster_count++ % CLUSTERS;
    if (setcchar(&clusters[index], text, 0, 0, NULL) == ERR) {
        const wchar_t unknown[] = {0xFFFD, 0};
        setcchar(&clusters[index], unknown, 0, 0, NULL);
    }
    return index;
}

void term_put(int row, int column, const term_cell *cells, int count) {
    cchar_t line[1024];
    int used = 0;
    for (int i = 0; i < count && used < 1024; i++) {
        if (!cells[i].width) continue; /* ncurses fills the right half itself */
        uint16_t style = cells[i].style < STYLES ? cells[i].style : 0;
        if (cells[i].flags & 1) {
            line[used] = clusters[cells[i].character % CLUSTERS];
            line[used].attr = style_attributes[style];
            line[used].ext_color = style_pairs[style];
            used++;
            continue;
        }
        wchar_t text[2] = {(wchar_t)cells[i].character, 0};
        setcchar(&line[used++], text, style_attributes[style], 0, &style_pairs[style]);
    }
    mvwadd_wchnstr(stdscr, row, column, line, used);
}

void term_cursor(int row, int column, int visible) {
    curs_set(visible ? 1 : 0);
    if (visible) wmove(stdscr, row, column);
}

void term_flush(void) {
    putp("\033[?2026h");
    wnoutrefresh(stdscr);
    doupdate();
    putp("\033[?2026l");
    fflush(stdout);
}

void term_invalidate(void) {
    werase(stdscr);
    clearok(curscr, TRUE);
}

void term_emit(const char *bytes) {
    putp(bytes);
    fflush(stdout);
}

int term_wait(int milliseconds) {
    struct pollfd sources[3] = {{0, POLLIN, 0}, {wake_handle, POLLIN, 0}, {signal_pipe[0], POLLIN, 0}};
    int reasons = 0;
    if (poll(sources, 3, milliseconds) < 0 && errno != EINTR) return TERM_HUNG_UP;
    if (sources[0].revents & POLLIN) reasons |= TERM_INPUT;
    if (sources[0].revents & (POLLHUP | POLLERR | POLLNVAL)) reasons |= TERM_HUNG_UP;
    if (sources[1].revents & POLLIN) {
        uint64_t count;
        ssize_t ignored = read(wake_handle, &count, sizeof count);
        (void)ignored;
        reasons |= TERM_WOKEN;
    }
    if (sources[2].revents & POLLIN) {
        char drained[64];
        while (read(signal_pipe[0], drained, sizeof drained) > 0) {}
    }
    if (got_resize) { got_resize = 0; reasons |= TERM_RESIZED; }
    if (got_continue) { got_continue = 0; reasons |= TERM_CONTINUED; }
    if (got_signal) reasons |= TERM_TERMINATED;
    return reasons;
}

long term_read(uint8_t *buffer, size_t size) { return read(0, buffer, size); }

void term_wake(void) {
    uint64_t one = 1;
    ssize_t ignored = write(wake_handle, &one, sizeof one);
    (void)ignored;
}

int term_width(uint32_t scalar) { return wcwidth((wchar_t)scalar); }
