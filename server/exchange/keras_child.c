/* The child answers with a head of fixed size, then the weights. Under a sanitizer it keeps its rights: those need more of the kernel. */
#include "server/exchange/keras_child.h"

#include "core/base/floats.h"
#include "server/pictures/confinement.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Numbers only, so that any bytes are some. */
struct answer_layer {
    uint32_t kind, n_out, height, width, same;
};

struct answer {
    uint32_t status, n_layers;
    uint32_t H, W, C;
    struct answer_layer layers[LAYERS_MAX];
    char detail[sizeof((struct error *)NULL)->detail];
};

/* --- the child --- */

static bool confine(void)
{
    return !prctl(PR_SET_PDEATHSIG, SIGKILL) && confine_limit(RLIMIT_CPU, KERAS_CHILD_SECONDS) && confine_process(KERAS_CHILD_MEMORY);
}

static bool write_all(int pipe, const void *bytes, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t written = write(pipe, (const char *)bytes + at, n - at);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        at += (size_t)written;
    }
    return true;
}

static void fill_layers(struct answer *answer, const struct layers *layers)
{
    answer->n_layers = layers->n_layers;
    answer->H = layers->input.H, answer->W = layers->input.W, answer->C = layers->input.C;
    for (uint32_t l = 0; l < layers->n_layers; l++) {
        const struct layer *layer = &layers->layers[l];
        answer->layers[l] = (struct answer_layer){(uint32_t)layer->kind, layer->n_out, layer->height, layer->width, layer->same};
    }
}

_Noreturn static void become_child(int pipe, keras_parser *parse, const struct keras_file *file)
{
    struct keras_network network = {.weights = NULL};
    struct answer answer = {.status = STATUS_IO};
    struct error error = {.detail = ""};
    (void)close(STDIN_FILENO);
    (void)signal(SIGPIPE, SIG_IGN); /* a parent that has heard enough is no crash */
    enum status status = confine() ? parse(file, &network, &error)
                                   : fail(&error, STATUS_IO, "the limits of a child process cannot be set: %s", strerror(errno));
    answer.status = (uint32_t)status;
    memcpy(answer.detail, error.detail, sizeof answer.detail);
    if (status == STATUS_OK)
        fill_layers(&answer, &network.layers);
    bool is_written = write_all(pipe, &answer, sizeof answer) &&
                      (status != STATUS_OK || write_all(pipe, network.weights, network.layers.n_floats * sizeof *network.weights));
    _exit(is_written ? 0 : 1);
}

/* --- the parent --- */

static bool read_all(int pipe, void *bytes, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t got = read(pipe, (char *)bytes + at, n - at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += (size_t)got;
    }
    return true;
}

/* The layers as this process computes them. */
static bool take_layers(const struct answer *answer, struct layers *out_layers)
{
    struct layer list[LAYERS_MAX] = {0};
    if (answer->n_layers > LAYERS_MAX)
        return false;
    for (uint32_t l = 0; l < answer->n_layers; l++) {
        const struct answer_layer *layer = &answer->layers[l];
        if (layer->kind > LAYER_RELU)
            return false;
        list[l] = (struct layer){.kind = (enum layer_kind)layer->kind,
                                 .n_out = layer->n_out,
                                 .height = layer->height,
                                 .width = layer->width,
                                 .same = layer->same != 0};
    }
    return layers_init(out_layers, (struct map_shape){answer->H, answer->W, answer->C}, list, answer->n_layers, NULL) == STATUS_OK;
}

static enum status take_network(int pipe, const struct answer *answer, struct keras_network *out_network, struct error *error)
{
    SCOPED(keras_network_clear) struct keras_network network = {.weights = NULL};
    if (!take_layers(answer, &network.layers))
        return fail(error, STATUS_CORRUPT, "damaged: its reader answered with layers that cannot be");
    size_t n = network.layers.n_floats;
    network.weights = aligned_floats(n);
    if (!network.weights)
        return fail(error, STATUS_NOMEM, "no memory for the weights");
    if (!read_all(pipe, network.weights, n * sizeof *network.weights))
        return fail(error, STATUS_CORRUPT, "damaged: its reader ended before its end");
    for (size_t i = 0; i < n; i++)
        if (!isfinite(network.weights[i]))
            return fail(error, STATUS_CORRUPT, "damaged: its reader answered with weights that are not finite");
    *out_network = network;
    network.weights = NULL;
    return STATUS_OK;
}

static enum status take_answer(int pipe, struct keras_network *out_network, struct error *error)
{
    struct answer answer;
    if (!read_all(pipe, &answer, sizeof answer))
        return fail(error, STATUS_CORRUPT, "damaged: its reader ended without an answer");
    answer.detail[sizeof answer.detail - 1] = '\0';
    for (char *at = answer.detail; *at; at++) /* what a terminal must not obey */
        *at = (unsigned char)*at < ' ' || *at == 0x7f ? '?' : *at;
    if (answer.status == STATUS_OK)
        return take_network(pipe, &answer, out_network, error);
    return fail(error, answer.status <= STATUS_CORRUPT ? (enum status)answer.status : STATUS_CORRUPT, "%s", answer.detail);
}

/* How the child ended, in words if that was not its own decision. */
static enum status wait_for(pid_t pid, enum status status, struct error *error)
{
    int result = 0;
    while (waitpid(pid, &result, 0) < 0)
        if (errno != EINTR)
            return status;
    if (status == STATUS_CORRUPT && WIFSIGNALED(result))
        return fail(error, status, "damaged, or made to break its reader, which was ended by signal %d (%s)", WTERMSIG(result),
                    strsignal(WTERMSIG(result)));
    return status;
}

enum status keras_child_parse(keras_parser *parse, const struct keras_file *file, struct keras_network *out_network, struct error *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return fail(error, STATUS_IO, "no pipe for a child process: %s", strerror(errno));
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(ends[0]);
        become_child(ends[1], parse, file);
    }
    int reason = errno;
    (void)close(ends[1]);
    enum status status =
        pid < 0 ? fail(error, STATUS_IO, "no child process: %s", strerror(reason)) : take_answer(ends[0], out_network, error);
    (void)close(ends[0]);
    return pid < 0 ? status : wait_for(pid, status, error);
}
