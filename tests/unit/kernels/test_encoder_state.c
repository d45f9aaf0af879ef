/* States that go on event by event, against the encoding of all events so far. Rounding is all that may be between them. */
#include "core/encoder_state.h"
#include "kernel_arguments.h"
#include "small_network.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define N_EVENTS 400u

/* Every one has states: the field is at most the history. */
static const struct encoder_shape shapes[] = {
    {.n_items = 90, .n_types = 2, .width = 64, .taps = 16, .n_blocks = 2, .history = 50},
    {.n_items = 90, .n_types = 3, .width = 33, .taps = 9, .n_blocks = 1, .history = 9, .temperature = .1f},
    {.n_items = 90, .n_types = 1, .width = 7, .taps = 1, .n_blocks = 3, .history = 5},
    {.n_items = 90, .n_types = 2, .width = 16, .taps = 2, .n_blocks = 5, .history = 6, .temperature = .5f},
    {.n_items = 90, .n_types = 2, .width = 20, .taps = 3, .n_blocks = 0, .history = 9},
    {.n_items = 90, .n_types = 2, .width = 128, .taps = 50, .n_blocks = 2, .history = 99, .temperature = .07f},
};
#define N_SHAPES (sizeof shapes / sizeof shapes[0])

struct case_of_states {
    struct small_network network;
    struct state_shape shape;
    void *workspace;
    float *state, *row;
};

static void open_case(struct case_of_states *it, const struct encoder_shape *shape, const struct kernels *kernels)
{
    small_network_init(&it->network, shape, N_EVENTS, kernels);
    cr_assert(encoder_state_shape(&it->network.encoder, &it->shape));
    it->workspace = aligned_alloc(64, (encoder_last_bytes(&it->network.encoder) + 63) / 64 * 64);
    it->state = zero_floats(it->shape.n_floats);
    it->row = zero_floats(shape->width);
}

static void close_case(struct case_of_states *it)
{
    free(it->workspace);
    free(it->state);
    free(it->row);
    small_network_clear(&it->network);
}

static void build(struct case_of_states *it, uint32_t n)
{
    encoder_state_build(&it->network.encoder, it->network.weights, it->network.items, it->network.types, n, it->workspace, it->state);
}

static void advance(struct case_of_states *it, uint32_t from, uint32_t n)
{
    encoder_state_advance(&it->network.encoder, it->network.weights, it->network.items + from, it->network.types + from, n, it->workspace,
                          it->state);
}

static void expect_encoding(struct case_of_states *it, uint32_t n, const char *words)
{
    encoder_last(&it->network.encoder, it->network.weights, it->network.items, NULL, it->network.types, n, it->workspace, it->row);
    expect_close(it->state, it->row, it->shape.n_row, 1e-5f, words);
}

static void for_all(void (*check)(struct case_of_states *it))
{
    const struct kernels *forms[KERNEL_FORMS_MAX];
    size_t n_forms = kernels_forms(forms);
    for (size_t f = 0; f < n_forms; f++)
        for (size_t s = 0; s < N_SHAPES; s++) {
            struct case_of_states it;
            open_case(&it, &shapes[s], forms[f]);
            check(&it);
            close_case(&it);
        }
}

static void check_one_by_one(struct case_of_states *it)
{
    build(it, 1);
    for (uint32_t n = 1; n < N_EVENTS; n++) {
        advance(it, n, 1);
        expect_encoding(it, n + 1, "one event at a time");
    }
}

Test(encoder_state, that_goes_on_event_by_event_equals_the_encoding_of_every_prefix)
{
    for_all(check_one_by_one);
}

static void check_start(struct case_of_states *it)
{
    for (uint32_t n = 1; n < N_EVENTS / 2; n += 1 + n / 7) {
        build(it, n);
        expect_encoding(it, n, "built");
        for (uint32_t more = 0; more < 20; more++) {
            advance(it, n + more, 1);
            expect_encoding(it, n + more + 1, "built, then one event at a time");
        }
    }
}

Test(encoder_state, can_start_at_any_event)
{
    for_all(check_start);
}

static void check_several(struct case_of_states *it)
{
    struct random random;
    random_init(&random, ARGUMENT_SEED, 3);
    build(it, 1);
    for (uint32_t at = 1; at + it->shape.most < N_EVENTS;) {
        uint32_t n = 1 + (uint32_t)random_below(&random, it->shape.most);
        advance(it, at, n);
        at += n;
        expect_encoding(it, at, "several events at a time");
    }
}

Test(encoder_state, goes_on_by_several_events_at_once)
{
    for_all(check_several);
}

/* What a state has consumed before its field leaves no trace in any of its numbers. */
static void check_forgetting(struct case_of_states *it)
{
    build(it, 1);
    for (uint32_t n = 1; n < N_EVENTS; n++)
        advance(it, n, 1);
    float *advanced = copy_floats(it->state, it->shape.n_floats);
    uint32_t first = N_EVENTS - it->shape.field;
    encoder_state_build(&it->network.encoder, it->network.weights, it->network.items + first, it->network.types + first, it->shape.field,
                        it->workspace, it->state);
    expect_close(advanced, it->state, it->shape.n_floats, 1e-5f, "a state of the last events alone");
    free(advanced);
}

Test(encoder_state, depends_on_the_events_of_its_field_alone)
{
    for_all(check_forgetting);
}

static void check_field(struct case_of_states *it)
{
    uint32_t field = it->shape.field;
    build(it, field);
    float *before = copy_floats(it->state, it->shape.n_row);
    it->network.items[0] = (it->network.items[0] + 1) % 90;
    build(it, field);
    cr_assert(memcmp(before, it->state, it->shape.n_row * sizeof *before) != 0, "the first event of the field must count");
    free(before);
}

Test(encoder_state, depends_on_every_event_of_its_field)
{
    for_all(check_field);
}

Test(encoder_state, is_not_there_where_the_field_is_longer_than_the_history)
{
    struct encoder encoder;
    struct state_shape shape;
    struct encoder_shape long_field = {.n_items = 9, .n_types = 1, .width = 4, .taps = 26, .n_blocks = 2, .history = 50};
    encoder_init(&encoder, &long_field, kernels_fast());
    cr_assert_not(encoder_state_shape(&encoder, &shape));
    long_field.history = 51;
    encoder_init(&encoder, &long_field, kernels_fast());
    cr_assert(encoder_state_shape(&encoder, &shape));
    cr_assert_eq(shape.field, 51);
    cr_assert_eq(shape.n_floats, 51 * 4);
}
