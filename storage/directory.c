/* The lock is flock(2) on a file of its own: the kernel gives it back whatever happens to the process, so there is no stale lock to clean
 * up. The number of the process is written into it for people; nothing reads it but the message of the next one. */
#include "storage/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4352

static enum status make_one(const char *path, struct error *error)
{
    if (mkdir(path, 0700) && errno != EEXIST)
        return fail(error, STATUS_IO, "%.160s: the directory cannot be made: %s", path, strerror(errno));
    struct stat facts;
    if (stat(path, &facts))
        return fail(error, STATUS_IO, "%.160s: %s", path, strerror(errno));
    if (!S_ISDIR(facts.st_mode))
        return fail(error, STATUS_IO, "%.160s: not a directory", path);
    return STATUS_OK;
}

/* So that a new directory is still there after a loss of power. Best effort: some file systems cannot. */
static void sync_directory(const char *path)
{
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return;
    (void)fsync(directory);
    (void)close(directory);
}

enum status directory_make(const char *directory, const char *models, const char *database, struct error *error)
{
    char parent[PATH_BYTES];
    struct stat facts;
    bool was_there = stat(directory, &facts) == 0;
    TRY(make_one(directory, error));
    TRY(make_one(models, error));
    int file = open(database, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0)
        return fail(error, STATUS_IO, "%.160s: cannot be opened for writing: %s", database, strerror(errno));
    (void)close(file);
    if (!was_there && snprintf(parent, sizeof parent, "%s/..", directory) < (int)sizeof parent)
        sync_directory(parent);
    return STATUS_OK;
}

static void write_holder(int lock)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(lock, 0) || pwrite(lock, text, (size_t)n, 0) < 0)
        return; /* it is for messages only */
}

static long read_holder(int lock)
{
    char text[32] = "";
    ssize_t n = pread(lock, text, sizeof text - 1, 0);
    return n > 0 ? strtol(text, NULL, 10) : 0;
}

enum status directory_lock(const char *directory, int *out_lock, struct error *error)
{
    char path[PATH_BYTES];
    if (snprintf(path, sizeof path, "%s/lock", directory) >= (int)sizeof path)
        return fail(error, STATUS_INVALID, "the name of the data directory is too long");
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0)
        return fail(error, STATUS_IO, "%.160s: cannot be opened: %s", path, strerror(errno));
    if (flock(lock, LOCK_EX | LOCK_NB)) {
        int number = errno;
        long holder = read_holder(lock);
        (void)close(lock);
        if (number != EWOULDBLOCK)
            return fail(error, STATUS_IO, "%.160s: cannot be locked: %s", path, strerror(number));
        return fail(error, STATUS_BUSY, "%.160s: in use by another process (number %ld)", directory, holder);
    }
    write_holder(lock);
    *out_lock = lock;
    return STATUS_OK;
}
