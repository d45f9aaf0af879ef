/* Small files, written whole and read with suspicion: whoever may write into DIR/models may make them say anything, but not more than a
 * verdict can. */
#include "server/app/verdict.h"

#include "core/base/emit.h"
#include "core/base/log.h"
#include "core/base/node.h"
#include "server/app/model_files.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERDICT_MAX_BYTES 4096u
#define PATH_BYTES        4400

const char *const verdict_state_names[] = {[VERDICT_LIVE] = "live", [VERDICT_READY] = "ready", [VERDICT_REJECTED] = "rejected", NULL};

struct verdict verdict_of(enum verdict_state state, const char *reason)
{
    struct verdict verdict = {.state = state, .fresh = (double)NAN, .live = (double)NAN, .margin = (double)NAN};
    (void)snprintf(verdict.reason, sizeof verdict.reason, "%s", reason ? reason : "");
    return verdict;
}

/* --- writing --- */

static void emit_text_or_null(struct emit *emit, const char *name, const char *text)
{
    emit_text(emit, name, text[0] ? text : NULL);
}

static void format(const struct verdict *verdict, struct buffer *out)
{
    struct emit emit;
    emit_init(&emit, out);
    emit_open_object(&emit, NULL);
    emit_text(&emit, "state", verdict_state_names[verdict->state]);
    emit_text_or_null(&emit, "reason", verdict->reason);
    emit_text_or_null(&emit, "metric", verdict->metric);
    emit_number(&emit, "fresh", verdict->fresh, 6);
    emit_number(&emit, "live", verdict->live, 6);
    emit_number(&emit, "margin", verdict->margin, 6);
    emit_text_or_null(&emit, "live_version", verdict->live_version);
    emit_integer(&emit, "n_cases", verdict->n_cases);
    emit_close_object(&emit);
    buffer_append_text(out, "\n");
}

/* Sets errno. */
static bool write_bytes(int file, const char *bytes, size_t n_bytes)
{
    while (n_bytes > 0) {
        ssize_t n = write(file, bytes, n_bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        n_bytes -= (size_t)n;
    }
    return fsync(file) == 0;
}

static enum status sync_directory(const char *directory, struct error *error)
{
    int file = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = file < 0 || fsync(file) ? errno : 0;
    if (file >= 0)
        (void)close(file);
    return failed ? fail(error, STATUS_IO, "cannot sync %.160s: %s", directory, strerror(failed)) : STATUS_OK;
}

enum status verdict_write(const char *directory, const char *version, const struct verdict *verdict, struct error *error)
{
    char path[PATH_BYTES], partial[PATH_BYTES];
    SCOPED(buffer_clear) struct buffer text;
    buffer_init(&text, VERDICT_MAX_BYTES);
    format(verdict, &text);
    TRY(buffer_finish(&text, error));
    if ((size_t)snprintf(path, sizeof path, "%s/%s" VERDICT_EXTENSION, directory, version) >= sizeof path ||
        (size_t)snprintf(partial, sizeof partial, "%s/.%s" VERDICT_EXTENSION ".%ld" PARTIAL_EXTENSION, directory, version,
                         (long)getpid()) >= sizeof partial)
        return fail(error, STATUS_IO, "the path of %.160s is too long", directory);
    int file = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (file < 0)
        return fail(error, STATUS_IO, "cannot create %.160s: %s", partial, strerror(errno));
    bool is_written = write_bytes(file, text.bytes, text.n_bytes);
    int reason = errno;
    is_written = close(file) == 0 && is_written;
    if (is_written && rename(partial, path) == 0)
        return sync_directory(directory, error);
    reason = is_written ? errno : reason;
    (void)unlink(partial);
    return fail(error, STATUS_IO, "cannot write %.160s: %s", path, strerror(reason));
}

void verdict_remove(const char *directory, const char *version)
{
    char path[PATH_BYTES];
    if ((size_t)snprintf(path, sizeof path, "%s/%s" VERDICT_EXTENSION, directory, version) < sizeof path)
        (void)unlink(path);
}

/* --- reading --- */

static enum status read_text(const struct node *object, const char *key, size_t n_bytes, char *out, struct error *error)
{
    const struct node *member = node_get(object, key);
    size_t length = 0;
    if (!member || node_kind(member) == NODE_NULL)
        return STATUS_OK;
    const char *text = node_kind(member) == NODE_TEXT ? node_text(member, &length) : NULL;
    if (!text || length >= n_bytes)
        return fail(error, STATUS_INVALID, "%s must be a text of up to %zu bytes", key, n_bytes - 1);
    memcpy(out, text, length + 1);
    return STATUS_OK;
}

static enum status read_number(const struct node *object, const char *key, double *out, struct error *error)
{
    const struct node *member = node_get(object, key);
    if (!member || node_kind(member) == NODE_NULL)
        return STATUS_OK;
    if (node_kind(member) != NODE_INTEGER && node_kind(member) != NODE_REAL)
        return fail(error, STATUS_INVALID, "%s must be a number", key);
    *out = node_number(member);
    return STATUS_OK;
}

static enum status read_state(const struct node *object, enum verdict_state *out_state, struct error *error)
{
    char name[16] = "";
    TRY(read_text(object, "state", sizeof name, name, error));
    for (int state = 0; verdict_state_names[state]; state++) {
        if (strcmp(verdict_state_names[state], name) == 0) {
            *out_state = (enum verdict_state)state;
            return STATUS_OK;
        }
    }
    return fail(error, STATUS_INVALID, "state must be live, ready or rejected");
}

static enum status read_members(const struct node *object, struct verdict *verdict, struct error *error)
{
    double n_cases = 0;
    TRY(read_state(object, &verdict->state, error));
    TRY(read_text(object, "reason", sizeof verdict->reason, verdict->reason, error));
    TRY(read_text(object, "metric", sizeof verdict->metric, verdict->metric, error));
    TRY(read_number(object, "fresh", &verdict->fresh, error));
    TRY(read_number(object, "live", &verdict->live, error));
    TRY(read_number(object, "margin", &verdict->margin, error));
    TRY(read_text(object, "live_version", sizeof verdict->live_version, verdict->live_version, error));
    TRY(read_number(object, "n_cases", &n_cases, error));
    if (!(n_cases >= 0 && n_cases <= UINT32_MAX))
        return fail(error, STATUS_INVALID, "n_cases must be a number from 0 up");
    verdict->n_cases = (uint32_t)n_cases;
    return STATUS_OK;
}

enum status verdict_parse(const char *bytes, size_t n_bytes, struct verdict *out_verdict, struct error *error)
{
    SCOPED(node_destroy) struct node *document = NULL;
    struct verdict verdict = verdict_of(VERDICT_LIVE, NULL);
    if (n_bytes > VERDICT_MAX_BYTES)
        return fail(error, STATUS_INVALID, "longer than %u bytes", VERDICT_MAX_BYTES);
    TRY(node_parse(bytes, n_bytes, &document, error));
    if (node_kind(document) != NODE_OBJECT)
        return fail(error, STATUS_INVALID, "expected an object, got %s", node_kind_text(node_kind(document)));
    TRY(read_members(document, &verdict, error));
    *out_verdict = verdict;
    return STATUS_OK;
}

/* Up to one byte more than a verdict may have. STATUS_INVALID: it is no file that could be one. */
static enum status read_file(const char *path, char bytes[VERDICT_MAX_BYTES + 1], size_t *out_n_bytes, struct error *error)
{
    struct stat facts;
    size_t n_bytes = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK); /* a link or a pipe of that name must not hold us */
    if (file < 0)
        return errno == ENOENT  ? STATUS_NOT_FOUND
               : errno == ELOOP ? fail(error, STATUS_INVALID, "not a file")
                                : fail(error, STATUS_IO, "%.160s cannot be read: %s", path, strerror(errno));
    enum status status = fstat(file, &facts) || !S_ISREG(facts.st_mode) ? fail(error, STATUS_INVALID, "not a file") : STATUS_OK;
    for (ssize_t n = 1; status == STATUS_OK && n != 0 && n_bytes <= VERDICT_MAX_BYTES;) {
        n = read(file, bytes + n_bytes, VERDICT_MAX_BYTES + 1 - n_bytes);
        if (n > 0)
            n_bytes += (size_t)n;
        else if (n < 0 && errno != EINTR)
            status = fail(error, STATUS_IO, "%.160s cannot be read: %s", path, strerror(errno));
    }
    (void)close(file);
    if (status == STATUS_OK)
        *out_n_bytes = n_bytes;
    return status;
}

enum status verdict_read(const char *directory, const char *version, struct verdict *out_verdict, struct error *error)
{
    char path[PATH_BYTES], bytes[VERDICT_MAX_BYTES + 1];
    size_t n_bytes = 0;
    struct error reason = {0};
    struct verdict verdict = verdict_of(VERDICT_LIVE, NULL);
    (void)snprintf(path, sizeof path, "%s/%s" VERDICT_EXTENSION, directory, version);
    enum status status = read_file(path, bytes, &n_bytes, &reason);
    if (status == STATUS_OK)
        status = verdict_parse(bytes, n_bytes, &verdict, &reason);
    if (status == STATUS_INVALID)
        log_line(LOG_WARNING, "models", "%.64s" VERDICT_EXTENSION " is no verdict and counts for nothing: %s", version, reason.detail);
    else if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return fail(error, status, "%s", reason.detail[0] ? reason.detail : "no memory to read a verdict");
    *out_verdict = verdict;
    return STATUS_OK;
}
