#include "CProcess.h"
#include <sys/epoll.h>
#include <sys/resource.h>
#include <pthread.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int cproc_spawn(pid_t *pid, char *const argv[], char *const envp[], const char *directory,
                int in, int out, int err, int own_session) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults, none;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, in, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, err, 2);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    if (directory) posix_spawn_file_actions_addchdir_np(&actions, directory);
    sigfillset(&defaults);
    sigdelset(&defaults, SIGKILL);
    sigdelset(&defaults, SIGSTOP);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
            | (own_session ? POSIX_SPAWN_SETSID : POSIX_SPAWN_SETPGROUP));
    int result = posix_spawnp(pid, argv[0], &actions, &attributes, argv, envp);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return result;
}

int cproc_wake(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

int cproc_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int cproc_wait(pid_t pid, int milliseconds, int *code) {
    int handle = (int)syscall(SYS_pidfd_open, pid, 0);
    if (handle >= 0) {
        struct pollfd waiting = {handle, POLLIN, 0};
        int ready;
        do ready = poll(&waiting, 1, milliseconds); while (ready < 0 && errno == EINTR && milliseconds < 0);
        close(handle);
        if (ready == 0) return 0;
    }
    int status = 0;
    pid_t reaped;
    do reaped = waitpid(pid, &status, handle >= 0 ? WNOHANG : 0); while (reaped < 0 && errno == EINTR);
    if (reaped == 0) return 0;
    if (reaped < 0) return -1;
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return 1;
}

int cproc_lock(const char *path) {
    int handle = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (handle < 0) return -2;
    struct stat status;
    int locked = flock(handle, LOCK_EX | LOCK_NB);
    if (locked == 0 && fstat(handle, &status) == 0 && status.st_nlink > 0) return handle;
    close(handle);
    // Who held it has just taken the file away.
    return locked == 0 ? cproc_lock(path) : -1;
}

long cproc_program_path(char *buffer, size_t size) { return readlink("/proc/self/exe", buffer, size); }

void cproc_ignore_sigpipe(void) { signal(SIGPIPE, SIG_IGN); }

int cproc_listen_at(const char *text, int port, int *bound) {
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((unsigned short)port);
    if (inet_pton(AF_INET, text, &address.sin_addr) != 1) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    int handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (handle < 0) return -1;
    int on = 1;
    setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    socklen_t length = sizeof address;
    if (bind(handle, (struct sockaddr *)&address, length) || listen(handle, 1024)
        || getsockname(handle, (struct sockaddr *)&address, &length)) {
        int code = errno;
        close(handle);
        errno = code;
        return -1;
    }
    *bound = ntohs(address.sin_port);
    return handle;
}

int cproc_listen(int port, int *bound) {
    int handle = cproc_listen_at("127.0.0.1", port, bound);
    if (handle >= 0) fcntl(handle, F_SETFL, fcntl(handle, F_GETFL) & ~O_NONBLOCK);
    return handle;
}

int cproc_accept(int listener) {
    int handle = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (handle >= 0) {
        int on = 1;
        setsockopt(handle, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    return handle;
}

void cproc_hold_signals(void) {
    sigset_t held;
    sigemptyset(&held);
    sigaddset(&held, SIGTERM);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &held, NULL);
}

void cproc_raise_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit)) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int cproc_poller(void) { return epoll_create1(EPOLL_CLOEXEC); }

void cproc_watch(int poller, int handle, int what, int is_new) {
    struct epoll_event event;
    memset(&event, 0, sizeof event);
    event.events = (what & CPROC_READ ? EPOLLIN : 0) | (what & CPROC_WRITE ? EPOLLOUT : 0);
    event.data.fd = handle;
    epoll_ctl(poller, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, handle, &event);
}

void cproc_unwatch(int poller, int handle) { epoll_ctl(poller, EPOLL_CTL_DEL, handle, NULL); }

int cproc_ready(int poller, int *handles, int *whats, int count, int milliseconds) {
    struct epoll_event events[256];
    int ready = epoll_wait(poller, events, count < 256 ? count : 256, milliseconds);
    for (int i = 0; i < ready; i++) {
        handles[i] = events[i].data.fd;
        whats[i] = (events[i].events & EPOLLOUT ? CPROC_WRITE : 0) | (events[i].events & ~(unsigned)EPOLLOUT ? CPROC_READ : 0);
    }
    return ready < 0 ? 0 : ready;
}

void cproc_save_memory(void) {
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_TRIM_THRESHOLD, 128 << 10);
}
