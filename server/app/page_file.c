/* The temporary name is in the same directory, because a rename does not go from one file system to another. */
#include "server/app/page_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum status write_all(int file, const char *bytes, size_t n_bytes)
{
    while (n_bytes > 0) {
        ssize_t n = write(file, bytes, n_bytes);
        if (n < 0 && errno != EINTR)
            return STATUS_IO;
        bytes += n > 0 ? n : 0;
        n_bytes -= n > 0 ? (size_t)n : 0;
    }
    return fsync(file) == 0 ? STATUS_OK : STATUS_IO;
}

static enum status fail_to_write(struct error *error, const char *path)
{
    return fail(error, STATUS_IO, "cannot write %s: %s", path, strerror(errno));
}

enum status page_file_write(const char *path, const char *bytes, size_t n_bytes, struct error *error)
{
    char partial[PATH_MAX];
    int length = snprintf(partial, sizeof partial, "%s.%ld.partial", path, (long)getpid());
    if (length < 0 || (size_t)length >= sizeof partial)
        return fail(error, STATUS_IO, "cannot write the page: its path is longer than %d bytes", PATH_MAX);
    int file = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0)
        return fail_to_write(error, path);
    enum status status = write_all(file, bytes, n_bytes);
    int reason = errno;
    if (close(file) != 0 && status == STATUS_OK) {
        status = STATUS_IO;
        reason = errno;
    }
    if (status == STATUS_OK && rename(partial, path) == 0)
        return STATUS_OK;
    if (status != STATUS_OK)
        errno = reason;
    status = fail_to_write(error, path);
    (void)unlink(partial);
    return status;
}
