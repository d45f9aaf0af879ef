/* Allocations that fail when a test says so. The linker puts functions in the place of malloc and its kin in our own code (-Wl,--wrap); the
 * libraries have theirs. Threads: any may allocate; the two functions belong to one. */
#ifndef TESTS_FAILING_ALLOCATIONS_H
#define TESTS_FAILING_ALLOCATIONS_H

#include <stdbool.h>

/* From now on the nth allocation fails, counted from 0; all others work. */
void allocations_fail_at(long nth);

/* No more failures. Was there an nth allocation? */
bool allocations_work_again(void);

#endif
