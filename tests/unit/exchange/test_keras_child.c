/* The process that parses: what it says comes back, and how it ends is said. Parsers of the test's own stand in for what a file can do. */
#include "keras_fixture.h"

#include "server/exchange/keras_child.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct keras_file nothing = {NULL, 0};

static void expect(keras_parser *parse, enum status wanted, const char *words)
{
    struct keras_network network = {.weights = NULL};
    struct error error = {.detail = ""};
    cr_expect_eq(keras_child_parse(parse, &nothing, &network, &error), wanted, "%s", error.detail);
    cr_expect(strstr(error.detail, words), "%s", error.detail);
    cr_expect_null(network.weights);
}

Test(keras_child, gives_the_network_that_was_parsed)
{
    struct keras_file file;
    struct keras_network here, there;
    struct error error = {.detail = ""};
    cr_assert_eq(keras_file_read(GOLDEN_H5, &file, &error), STATUS_OK, "%s", error.detail);
    cr_assert_eq(keras_file_parse(&file, &here, &error), STATUS_OK, "%s", error.detail);
    cr_assert_eq(keras_child_parse(keras_file_parse, &file, &there, &error), STATUS_OK, "%s", error.detail);
    cr_assert_eq(here.layers.n_layers, there.layers.n_layers);
    cr_assert_eq(here.layers.n_floats, there.layers.n_floats);
    cr_assert_arr_eq(here.weights, there.weights, here.layers.n_floats * sizeof *here.weights);
    keras_network_clear(&here);
    keras_network_clear(&there);
    keras_file_clear(&file);
}

static enum status refuse(const struct keras_file *file, struct keras_network *out_network, struct error *error)
{
    (void)file, (void)out_network;
    return fail(error, STATUS_LIMIT, "too large\x1b[2J");
}

Test(keras_child, says_what_was_refused_without_control_characters)
{
    expect(refuse, STATUS_LIMIT, "too large?[2J");
}

static enum status crash(const struct keras_file *file, struct keras_network *out_network, struct error *error)
{
    (void)file, (void)out_network, (void)error;
    (void)raise(SIGKILL);
    return STATUS_OK;
}

Test(keras_child, that_is_ended_by_a_signal_is_said_to_be)
{
    expect(crash, STATUS_CORRUPT, "which was ended by signal 9");
}

static enum status end(const struct keras_file *file, struct keras_network *out_network, struct error *error)
{
    (void)file, (void)out_network, (void)error;
    _exit(0);
}

Test(keras_child, that_ends_without_an_answer_is_said_to)
{
    expect(end, STATUS_CORRUPT, "ended without an answer");
}

/* A network of one layer of that kind, of one weight of that value. */
static enum status answer(enum layer_kind kind, float value, struct keras_network *out_network)
{
    const struct layer dense = {.kind = LAYER_DENSE, .n_out = 1};
    struct keras_network network = {.weights = calloc(64, sizeof(float))};
    enum status status = layers_init(&network.layers, (struct map_shape){1, 1, 1}, &dense, 1, NULL);
    network.layers.layers[0].kind = kind;
    network.weights[0] = value;
    *out_network = network;
    return status;
}

static enum status answer_dropout(const struct keras_file *file, struct keras_network *out_network, struct error *error)
{
    (void)file, (void)error;
    return answer(LAYER_DROPOUT, 1, out_network);
}

static enum status answer_infinity(const struct keras_file *file, struct keras_network *out_network, struct error *error)
{
    (void)file, (void)error;
    return answer(LAYER_DENSE, INFINITY, out_network);
}

Test(keras_child, is_not_trusted_in_what_it_answers)
{
    expect(answer_dropout, STATUS_CORRUPT, "layers that cannot be");
    expect(answer_infinity, STATUS_CORRUPT, "weights that are not finite");
}

static enum status open_something(const struct keras_file *file, struct keras_network *out_network, struct error *error)
{
    (void)file, (void)out_network;
    int opened = open("/dev/null", O_RDONLY);
    return fail(error, opened < 0 && errno == EPERM ? STATUS_LIMIT : STATUS_IO, "opened %d", opened);
}

Test(keras_child, cannot_open_a_file, .disabled = !HAS_LIMITS)
{
    expect(open_something, STATUS_LIMIT, "opened -1");
}

static enum status take_memory(const struct keras_file *file, struct keras_network *out_network, struct error *error)
{
    (void)file, (void)out_network;
    void *volatile memory = malloc(KERAS_CHILD_MEMORY);
    return fail(error, memory ? STATUS_IO : STATUS_NOMEM, "memory");
}

Test(keras_child, has_no_more_memory_than_its_limit, .disabled = !HAS_LIMITS)
{
    expect(take_memory, STATUS_NOMEM, "memory");
}
