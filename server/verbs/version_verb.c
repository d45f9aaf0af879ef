/* `inkling version`: what runs here, for bug reports. */
#include "server/verbs/verbs.h"

#include "core/kernels/kernels.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int version_verb(int argc, char **argv)
{
    bool wants_help = argc == 2 && strcmp(argv[1], "--help") == 0;
    if (argc > 1) {
        FILE *stream = wants_help ? stdout : stderr;
        (void)fprintf(stream, "Usage: inkling version\n\nPrint the version of inkling, of the compiler that built it and of the kernels "
                              "that this processor runs.\n");
        return !wants_help ? EXIT_CODE_USAGE : fflush(stdout) == 0 ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
    }
    bool ok = printf("inkling %s (compiled by %s %s, kernels %s, OpenBLAS for %s)\n", INKLING_VERSION,
#ifdef __clang__
                     "clang", __clang_version__
#else
                     "gcc", __VERSION__
#endif
                     ,
                     kernels_fast()->name, kernels_blas()) > 0;
    return ok && fflush(stdout) == 0 ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
}
