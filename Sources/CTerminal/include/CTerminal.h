/* The terminal: ncurses for modes, terminfo and minimal repaint; poll(2) for input, wake-ups and signals.
 *
 * One thread owns everything here, except term_wake, which any thread may call. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* One cell of a row. `Panes.Cell` has the same layout. */
typedef struct {
    uint32_t character; /* a scalar, or an index into the cluster pool when flags & 1 */
    uint16_t style;     /* set by term_define_style */
    uint8_t width;      /* 1 or 2; 0 is the right half of a wide cell */
    uint8_t flags;
} term_cell;

enum term_attribute { TERM_BOLD = 1, TERM_DIM = 2, TERM_ITALIC = 4, TERM_UNDERLINE = 8, TERM_REVERSE = 16 };

/* Why term_wait came back; several may be set. */
enum term_reason {
    TERM_INPUT = 1, TERM_WOKEN = 2, TERM_RESIZED = 4, TERM_CONTINUED = 8, TERM_TERMINATED = 16, TERM_HUNG_UP = 32
};

/* Takes the terminal: raw mode, alternate screen, bracketed paste, signal handlers. What comes on standard error until
 * the end is kept in memory and shown after a crash. Returns 0; -1 when the terminal cannot be used. */
int term_start(const char *type, int mouse);
/* Gives the terminal back. Harmless when called twice. */
void term_stop(void);
/* Stops the process group as Ctrl-Z does, and takes the terminal again when it goes on. */
void term_suspend(void);
int term_rows(void);
int term_columns(void);
/* 0, 8, 16, 256 … */
int term_colors(void);
/* The signal that asked for the end, or 0. */
int term_signal(void);
/* Reads the size of the terminal and tells ncurses. */
void term_read_size(void);
/* Foreground -1 is the terminal's own. */
void term_define_style(uint16_t style, int foreground, int attributes);
/* Adds a base character with its marks to the pool and returns its index. */
uint32_t term_cluster(const uint32_t *scalars, int count);
void term_put(int row, int column, const term_cell *cells, int count);
void term_cursor(int row, int column, int visible);
void term_flush(void);
/* Forgets what is on the screen, so that the next flush paints all of it. */
void term_invalidate(void);
/* Sends a control string in order with the painting. */
void term_emit(const char *bytes);
/* Waits for input, a wake-up or a signal, at most `milliseconds` (-1: for ever). */
int term_wait(int milliseconds);
long term_read(uint8_t *buffer, size_t size);
void term_wake(void);
/* Columns that one scalar takes, as ncurses counts: wcwidth(3). */
int term_width(uint32_t scalar);
/* Makes the locale UTF-8 wherever that is possible. */
void term_set_locale(void);
