/* The verbs of `inkling VERB …`: one file a verb, one table in main.c.
 *
 * A verb gets its own name as argv[0] and its options behind it. What it found goes to standard output, everything else (progress, errors)
 * to standard error; what it returns is the process's exit code. */
#ifndef VERBS_VERBS_H
#define VERBS_VERBS_H

enum exit_code {
    EXIT_CODE_DONE = 0,
    EXIT_CODE_FAILED = 1,
    EXIT_CODE_USAGE = 2,        /* wrong options or arguments */
    EXIT_CODE_SOME_REFUSED = 3, /* done, but some lines of the input were refused */
    EXIT_CODE_IN_USE = 4,       /* the data directory is held by another process */
    EXIT_CODE_REJECTED = 5,     /* a model was trained, and is not good enough to go live */
};

struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary; /* one line for `inkling help`; NULL: for this program itself, help does not name it */
};

int serve_verb(int argc, char **argv);
int import_verb(int argc, char **argv);
int retrain_verb(int argc, char **argv);
int evaluate_verb(int argc, char **argv);
int model_verb(int argc, char **argv);
int version_verb(int argc, char **argv);
int decode_pictures_verb(int argc, char **argv);

#endif
