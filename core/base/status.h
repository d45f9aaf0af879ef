/* The outcome of everything that can fail, and the three macros that carry it.
 *
 * A status is for the program: one value for each different reaction. A struct error is for people: one sentence that names what
 * was wrong and what was expected. Library code returns both and prints nothing. Out-parameters are untouched on failure. */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include <stddef.h>

enum status {
    STATUS_OK = 0,
    STATUS_INVALID,   /* the caller's input is wrong: say what was expected */
    STATUS_NOT_FOUND, /* no such thing */
    STATUS_CONFLICT,  /* the present state forbids it */
    STATUS_LIMIT,     /* larger than a stated limit */
    STATUS_BUSY,      /* full or held by another: try again later */
    STATUS_NOMEM,     /* an allocation failed: shed this piece of work, go on */
    STATUS_IO,        /* a file, the disk or the database failed */
    STATUS_CORRUPT,   /* stored bytes are not what was written */
};

/* Words for people. pointer is a JSON pointer into the input ("/events/3/user_id"), or empty. */
struct error {
    char detail[256];
    char pointer[128];
};

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

/* Set error (may be NULL) to the formatted sentence, its pointer to "", and return status: `return fail(error, STATUS_IO, …)`. */
enum status fail(struct error *error, enum status status, const char *format, ...) PRINTF_LIKE(3, 4);

/* The same with a JSON pointer. */
enum status fail_at(struct error *error, enum status status, const char *pointer, const char *format, ...) PRINTF_LIKE(4, 5);

/* "invalid", "not found", … for logs and exit messages. */
const char *status_text(enum status status);

/* Return from the calling function with the status of expr unless it is STATUS_OK. The only control-flow macro. */
#define TRY(expr)                              \
    do {                                       \
        enum status try_status_ = (expr);      \
        if (try_status_ != STATUS_OK)          \
            return try_status_;                \
    } while (0)

/* `SCOPED(arena_destroy) struct arena *arena = NULL;` calls arena_destroy when the scope ends. Give away by setting it to NULL.
 * A header offers this for its type with DEFINE_SCOPED; the destroy function must accept NULL. */
#define SCOPED(destroy) __attribute__((cleanup(destroy##_scoped)))
#define DEFINE_SCOPED(pointer_type, destroy)                    \
    static inline void destroy##_scoped(pointer_type *pointer)  \
    {                                                           \
        destroy(*pointer);                                      \
    }                                                           \
    struct scoped_needs_a_semicolon_

/* For plain malloc'd memory: `SCOPED(memory_free) float *scores = …`. */
void memory_free(const void *memory);
static inline void memory_free_scoped(const void *pointer)
{
    memory_free(*(void *const *)pointer);
}

#endif
