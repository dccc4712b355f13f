/* Child processes, pipes and locks: what Swift's Glibc module cannot reach. */
#pragma once
#include <sys/types.h>

/* Starts argv[0] (looked up in PATH) with the three descriptors as its standard input, output and error,
 * in a process group of its own (with own_session: in a session, without the terminal), with default signals and no
 * other descriptor.
 * Returns 0, or an errno value. */
int cproc_spawn(pid_t *pid, char *const argv[], char *const envp[], const char *directory,
                int in, int out, int err, int own_session);
/* A pipe whose ends close on exec. Returns 0 or -1. */
int cproc_pipe(int ends[2]);
/* A descriptor that wakes a poll, closed on exec (eventfd). Returns it or -1. */
int cproc_wake(void);
/* Waits up to `milliseconds` (-1: for ever) for the child to end and reaps it.
 * Returns 1 when it ended (then *code is its exit code, or 128 + its signal), 0 when not yet, -1 on error. */
int cproc_wait(pid_t pid, int milliseconds, int *code);
/* Opens and locks a file for this process alone. Returns the descriptor, -1 if another process holds it,
 * -2 if it cannot be opened. */
int cproc_lock(const char *path);
/* Where this program lies. Returns its length, or -1. */
long cproc_program_path(char *buffer, size_t size);
/* Ignores SIGPIPE; a broken pipe is an error of write(2), not the end. */
void cproc_ignore_sigpipe(void);
/* Waits for many descriptors (epoll). Returns a descriptor or -1. */
int cproc_poller(void);
/* What to wait for at `handle`: CPROC_READ, CPROC_WRITE, both or neither. */
enum { CPROC_READ = 1, CPROC_WRITE = 2 };
void cproc_watch(int poller, int handle, int what, int is_new);
void cproc_unwatch(int poller, int handle);
/* Up to `count` descriptors and what they are ready for. Returns how many; zero after `milliseconds`. */
int cproc_ready(int poller, int *handles, int *whats, int count, int milliseconds);
/* Listens on an IPv4 address, without blocking. Returns the descriptor or -1; *bound is the port. */
int cproc_listen_at(const char *address, int port, int *bound);
/* A connection that waits, without blocking, closed on exec; -1 when none does. */
int cproc_accept(int listener);
/* As many open files as this user may have. */
void cproc_raise_files(void);
/* Fewer holes after a burst of work, and what is free goes back to the system. */
void cproc_save_memory(void);
/* Signals that end the program wait for sigwait(3), in every thread that begins after this. */
void cproc_hold_signals(void);
/* Listens on 127.0.0.1 at `port` (0: any). Returns the descriptor or -1; *bound is the port. */
int cproc_listen(int port, int *bound);
