/* A disk that does not answer. Loaded before the C library (LD_PRELOAD).
   While the file named by SLOW_DISK exists, whoever reads a .log waits, after it has added a byte to that file. While the
   file named by SLOW_WRITES exists, whoever writes, resizes or syncs a file in the directory SLOW_BELOW does. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static ssize_t name_of(int fd, char *path, size_t size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, size - 1);
    if (length >= 0) path[length] = 0;
    return length;
}

static void wait_while_there(const char *slow) {
    int told = open(slow, O_WRONLY | O_APPEND);
    if (told < 0) return;
    if (syscall(SYS_write, told, ".", 1) != 1) abort();
    close(told);
    while (access(slow, F_OK) == 0) usleep(5000);
}

static void before_reading(int fd) {
    const char *slow = getenv("SLOW_DISK");
    char path[4096];
    ssize_t length = slow ? name_of(fd, path, sizeof path) : -1;
    if (length > 4 && memcmp(path + length - 4, ".log", 4) == 0) wait_while_there(slow);
}

static void before_writing(int fd) {
    const char *slow = getenv("SLOW_WRITES"), *below = getenv("SLOW_BELOW");
    char path[4096];
    if (!slow || !below || access(slow, F_OK) != 0 || name_of(fd, path, sizeof path) < 0) return;
    if (strncmp(path, below, strlen(below)) == 0) wait_while_there(slow);
}

ssize_t pread64(int fd, void *buffer, size_t count, off64_t position) {
    before_reading(fd);
    return syscall(SYS_pread64, fd, buffer, count, position);
}

ssize_t pwrite64(int fd, const void *buffer, size_t count, off64_t position) {
    before_writing(fd);
    return syscall(SYS_pwrite64, fd, buffer, count, position);
}

ssize_t write(int fd, const void *buffer, size_t count) {
    before_writing(fd);
    return syscall(SYS_write, fd, buffer, count);
}

int ftruncate64(int fd, off64_t length) {
    before_writing(fd);
    return (int) syscall(SYS_ftruncate, fd, length);
}

int fsync(int fd) {
    before_writing(fd);
    return (int) syscall(SYS_fsync, fd);
}

int fdatasync(int fd) {
    before_writing(fd);
    return (int) syscall(SYS_fdatasync, fd);
}
