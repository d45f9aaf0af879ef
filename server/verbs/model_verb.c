/* `inkling model`: starts inkling-model, which stands beside inkling. The libraries that read other programs' files are in that program
 * alone; a file that is made to break them ends a process that served no one. */
#include "server/verbs/verbs.h"

#include <errno.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_BYTES 4096
#define HELPER     "inkling-model"

extern char **environ;

static const char help[] = "Usage: inkling model import --data DIR FILE [--names NAMES]\n"
                           "       inkling model export --data DIR VERSION --format FORMAT --output FILE\n"
                           "\n"
                           "import takes in a model that names pictures and was trained in Keras 3: FILE is what\n"
                           "model.save(\"….keras\") or model.save(\"….h5\") wrote of a Sequential model. It becomes the live\n"
                           "picture model of DIR: it answers POST /v1/images/classify from then on, and a server that runs on\n"
                           "DIR takes it up by itself, unless it has that very model already: then the answer says how to\n"
                           "make it live there. Understood are\n"
                           "\n"
                           "  Input               shape=(height, width, 1 or 3)\n"
                           "  Rescaling           1/255 without an offset, first: pixels are divided by 255 here in any case\n"
                           "  Conv2D              any kernel, \"valid\" or (odd kernels) \"same\"; strides, dilation and groups 1\n"
                           "  MaxPooling2D        strides as the pool_size, \"valid\"\n"
                           "  Dense               behind a Flatten\n"
                           "  BatchNormalization  of the channels\n"
                           "  Flatten, Dropout, ReLU, Activation (linear, relu), and a softmax at the end\n"
                           "\n"
                           "Anything else is an error that names the layer; nothing is left out silently. A model without\n"
                           "Rescaling must have been trained on pixels from 0 to 1.\n"
                           "\n"
                           "export writes a stored model into FILE, whole or not at all; a file of that name is replaced. Only a\n"
                           "model that is whole is given away. Formats:\n"
                           "\n"
                           "  safetensors         the model's file as it is, of behaviour (m…) or of pictures (p…)\n"
                           "  onnx                a picture model as ONNX, operator set 13: input \"pixels\", float [N, height,\n"
                           "                      width, channels], 0 to 255; output \"probabilities\", float [N, categories]\n"
                           "\n"
                           "  --data DIR          the data directory; import makes it if it is not there\n"
                           "  --names NAMES       a text file with a category a line, in the order of the model's outputs;\n"
                           "                      without it they are called 0, 1, …\n"
                           "  --help              this text\n"
                           "\n"
                           "Files are read and written by a program of their own, inkling-model, which must stand beside\n"
                           "inkling.\n"
                           "\n"
                           "Examples:\n"
                           "  inkling model import --data shop --names fashion.txt fashion.keras\n"
                           "  inkling model export --data shop p0123456789abcdef --format onnx --output fashion.onnx\n"
                           "\n"
                           "Ends with 0 when it is done, 1 when it failed (the reason is said), 2 on wrong usage.\n";

static int say_failure(const char *words, const char *more)
{
    (void)fprintf(stderr, "inkling model: %s%s\n", words, more);
    return EXIT_CODE_FAILED;
}

static bool find_helper(char out_path[PATH_BYTES])
{
    ssize_t n = readlink("/proc/self/exe", out_path, PATH_BYTES - sizeof HELPER - 1);
    char *slash = n > 0 ? memrchr(out_path, '/', (size_t)n) : NULL;
    if (!slash || n >= (ssize_t)(PATH_BYTES - sizeof HELPER - 1))
        return false;
    memcpy(slash + 1, HELPER, sizeof HELPER);
    return true;
}

static int wait_for(pid_t pid)
{
    int result = 0;
    while (waitpid(pid, &result, 0) < 0) {
        if (errno != EINTR)
            return say_failure("the end of " HELPER " was lost: ", strerror(errno));
    }
    if (WIFEXITED(result))
        return WEXITSTATUS(result);
    (void)fprintf(stderr, "inkling model: " HELPER " was ended by signal %d (%s): the file may be damaged, or made to break it\n",
                  WTERMSIG(result), strsignal(WTERMSIG(result)));
    return EXIT_CODE_FAILED;
}

int model_verb(int argc, char **argv)
{
    char path[PATH_BYTES];
    pid_t pid = 0;
    for (int a = 1; a < argc; a++)
        if (strcmp(argv[a], "--help") == 0)
            return fputs(help, stdout) >= 0 && fflush(stdout) == 0 ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
    if (!find_helper(path))
        return say_failure("its own place is not known, so " HELPER " is not found", "");
    int reason = posix_spawn(&pid, path, NULL, NULL, argv, environ);
    if (reason)
        return say_failure("cannot start " HELPER ", which must stand beside inkling: ", strerror(reason));
    return wait_for(pid);
}
