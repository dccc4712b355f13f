#include "CProcess.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
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
    if (flock(handle, LOCK_EX | LOCK_NB) == 0) return handle;
    close(handle);
    return -1;
}

long cproc_program_path(char *buffer, size_t size) { return readlink("/proc/self/exe", buffer, size); }

void cproc_ignore_sigpipe(void) { signal(SIGPIPE, SIG_IGN); }

int cproc_listen(int port, int *bound) {
    int handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (handle < 0) return -1;
    int on = 1;
    setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((unsigned short)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    if (bind(handle, (struct sockaddr *)&address, length) || listen(handle, 64)
        || getsockname(handle, (struct sockaddr *)&address, &length)) {
        close(handle);
        return -1;
    }
    *bound = ntohs(address.sin_port);
    return handle;
}
