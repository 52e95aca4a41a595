// Processes: pidfds have wrappers in glibc from 2.36 on only, siginfo_t's fields are macros, and what glibc adds to
// posix_spawn is declared under _GNU_SOURCE, which this header must not depend on.
#ifndef VOLLEY_PROCESS_H
#define VOLLEY_PROCESS_H

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Close-on-exec, by the kernel's definition.
static inline int volley_pidfd_open(int process) { return (int)syscall(SYS_pidfd_open, process, 0); }

static inline int volley_pidfd_signal(int process, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, process, signal, NULL, 0);
}

// To a process group, by the pidfd of its leader. Before Linux 6.9, which has a flag for it (4), by the leader's number:
// that is its own as long as nobody has reaped it.
static inline int volley_group_signal(int leader, int number, int signal) {
    int result = (int)syscall(SYS_pidfd_send_signal, leader, signal, NULL, 4);
    return result < 0 && errno == EINVAL ? kill(-number, signal) : result;
}

enum { VOLLEY_ENDED_BY_ITSELF = CLD_EXITED, VOLLEY_ENDED_WITH_CORE = CLD_DUMPED };

typedef struct volley_ending {
    int32_t code;
    int32_t status;
} volley_ending;

// Reaps a child by its pidfd: 1 when that is done, 0 when it still runs, -1 with errno. P_PIDFD is an enumerator from
// glibc 2.36 on only, and 3 for the kernel since 5.4.
static inline int volley_reap(int process, volley_ending *ending) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    if (waitid((idtype_t)3, (id_t)process, &info, WEXITED | WNOHANG) != 0) return -1;
    ending->code = info.si_code;
    ending->status = info.si_status;
    return info.si_pid != 0;
}

// glibc 2.29.
static inline int volley_spawn_change_directory(posix_spawn_file_actions_t *actions, const char *path) {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 29)
    extern int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *, const char *);
    return posix_spawn_file_actions_addchdir_np(actions, path);
#else
    return ENOSYS;
#endif
}

// glibc 2.34; without it, descriptors that somebody has opened without close-on-exec are inherited.
static inline int volley_spawn_close_from(posix_spawn_file_actions_t *actions, int lowest) {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
    extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *, int);
    return posix_spawn_file_actions_addclosefrom_np(actions, lowest);
#else
    return 0;
#endif
}

// setsid() in the child: the flag's name is under _GNU_SOURCE.
enum { VOLLEY_SPAWN_SETSID = 0x80 };

/// Whether the kernel keeps ended children until they are waited for: not while SIGCHLD is ignored (waitpid(2), notes).
static inline int volley_keeps_children(void) {
    struct sigaction action;
    if (sigaction(SIGCHLD, NULL, &action) != 0) return 1;
    return action.sa_handler != SIG_IGN && (action.sa_flags & SA_NOCLDWAIT) == 0;
}

#endif
