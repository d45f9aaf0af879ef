/* Which calls to the kernel a decoder's child may make. */
#ifndef PICTURES_DECODER_FILTER_H
#define PICTURES_DECODER_FILTER_H

#include <stdbool.h>

/* From here on this thread may read and write what it has open, take memory, and end; anything else fails with EPERM. False: the kernel
 * does not take the filter (or the processor is not one that is known here). Needs PR_SET_NO_NEW_PRIVS. */
bool decoder_filter_set(void);

#endif
