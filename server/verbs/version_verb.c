/* `inkling version`: what runs here, for bug reports. */
#include "server/verbs/verbs.h"

#include <stdbool.h>
#include <stdio.h>

int version_verb(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        (void)fprintf(stderr, "Usage: inkling version\n\nPrint the version of inkling and of the compiler that built it.\n");
        return EXIT_CODE_USAGE;
    }
    bool ok = printf("inkling %s (compiled by %s %s)\n", INKLING_VERSION,
#ifdef __clang__
                     "clang", __clang_version__
#else
                     "gcc", __VERSION__
#endif
                     ) > 0;
    return ok && fflush(stdout) == 0 ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
}
