/*
 * process.h - tests with several processes: a function in a child, and what became of
 * it. A child must be forked before its parent has a database open, and may not use
 * cmocka's assertions, which would run the rest of the tests in it.
 */
#ifndef TESTS_DB_PROCESS_H
#define TESTS_DB_PROCESS_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

/* Ends the child with status 1 where `cond` does not hold. */
#define CHILD_CHECK(cond)                                                              \
    do {                                                                               \
        if (!(cond)) {                                                                 \
            fprintf(stderr, "%s:%d: in the child: not so: %s (%s)\n", __FILE__,        \
                    __LINE__, #cond, err_detail());                                    \
            _exit(1);                                                                  \
        }                                                                              \
    } while (0)

/* Runs fn(arg) in a child, which ends with status 0 when it returns. */
static inline pid_t child_start(void (*fn)(void *arg), void *arg)
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        fn(arg);
        _exit(0);
    }
    return pid;
}

/* The status as of waitpid. */
static inline int child_wait(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static inline int child_run(void (*fn)(void *arg), void *arg)
{
    return child_wait(child_start(fn, arg));
}

/* Runs fn(arg) in a child, which a SIGKILL may end: whether it did. Else it must have
 * ended well. */
static inline bool child_run_until_killed(void (*fn)(void *arg), void *arg)
{
    int status = child_run(fn, arg);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGKILL);
        return true;
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    return false;
}

/* One byte through a pipe: one process waits for another. */
static inline void pipe_signal(int fd)
{
    if (write(fd, "x", 1) != 1) {
        _exit(2);
    }
}

static inline bool pipe_wait(int fd)
{
    char c;
    return read(fd, &c, 1) == 1;
}

#endif
