/* One counter for all kinds and all threads. */
#include "tests/fault/failing_allocations.h"

#include <stdatomic.h>
#include <stddef.h>

void *__real_malloc(size_t n_bytes);
void *__real_calloc(size_t n_things, size_t thing_bytes);
void *__real_realloc(void *memory, size_t n_bytes);
void *__real_aligned_alloc(size_t alignment, size_t n_bytes);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t n_bytes);
void *__wrap_calloc(size_t n_things, size_t thing_bytes);
void *__wrap_realloc(void *memory, size_t n_bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t n_bytes);
char *__wrap_strdup(const char *text);

static atomic_long n_left = -1; /* allocations until the one that fails; below 0: none does */

void allocations_fail_at(long nth)
{
    atomic_store(&n_left, nth);
}

bool allocations_work_again(void)
{
    bool was_met = atomic_load(&n_left) < 0;
    atomic_store(&n_left, -1);
    return was_met;
}

static bool fails_now(void)
{
    return atomic_load(&n_left) >= 0 && atomic_fetch_sub(&n_left, 1) == 0;
}

void *__wrap_malloc(size_t n_bytes)
{
    return fails_now() ? NULL : __real_malloc(n_bytes);
}

void *__wrap_calloc(size_t n_things, size_t thing_bytes)
{
    return fails_now() ? NULL : __real_calloc(n_things, thing_bytes);
}

void *__wrap_realloc(void *memory, size_t n_bytes)
{
    return fails_now() ? NULL : __real_realloc(memory, n_bytes);
}

void *__wrap_aligned_alloc(size_t alignment, size_t n_bytes)
{
    return fails_now() ? NULL : __real_aligned_alloc(alignment, n_bytes);
}

char *__wrap_strdup(const char *text)
{
    return fails_now() ? NULL : __real_strdup(text);
}
