/* Events are collected in flat arrays (17 bytes each), placed by user with a counting sort, and each user's run is sorted by time only if
 * it is not in order already: stores hand out events nearly in time order, so most users cost one comparison an event.
 * The held-out cases are found by one walk over the events that is made twice: once to count, once to keep the chosen ones. */
#include "core/dataset.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct dataset_builder {
    uint32_t *users, *items;
    int64_t *at_ms;
    uint8_t *types;
    uint64_t n_events, capacity;
    uint32_t users_end, items_end, types_end; /* one more than the largest number added */
};

struct dataset_builder *dataset_builder_create(void)
{
    return calloc(1, sizeof(struct dataset_builder));
}

/* Forget the events and give back their memory. */
static void builder_empty(struct dataset_builder *builder)
{
    free(builder->users);
    free(builder->items);
    free(builder->at_ms);
    free(builder->types);
    *builder = (struct dataset_builder){0};
}

void dataset_builder_destroy(struct dataset_builder *builder)
{
    if (!builder)
        return;
    builder_empty(builder);
    free(builder);
}

/* Resize *array (of things of thing_bytes) to n_things; false and unchanged if there is no memory. */
static bool resize(void *array, uint64_t n_things, size_t thing_bytes)
{
    void *old;
    memcpy(&old, array, sizeof old);
    void *resized = n_things > SIZE_MAX / thing_bytes ? NULL : realloc(old, (size_t)n_things * thing_bytes);
    if (!resized)
        return false;
    memcpy(array, &resized, sizeof resized);
    return true;
}

static enum status reserve_event(struct dataset_builder *builder)
{
    if (builder->n_events < builder->capacity)
        return STATUS_OK;
    uint64_t capacity = builder->capacity ? builder->capacity + builder->capacity / 2 : 1024;
    if (!resize(&builder->users, capacity, sizeof *builder->users) || !resize(&builder->items, capacity, sizeof *builder->items) ||
        !resize(&builder->at_ms, capacity, sizeof *builder->at_ms) || !resize(&builder->types, capacity, sizeof *builder->types))
        return STATUS_NOMEM;
    builder->capacity = capacity;
    return STATUS_OK;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

enum status dataset_add(struct dataset_builder *builder, uint32_t user, uint32_t item, uint32_t type, int64_t at_ms)
{
    if (user == UINT32_MAX || item == UINT32_MAX || type >= EVENT_TYPES_MAX)
        return STATUS_INVALID;
    TRY(reserve_event(builder));
    uint64_t n = builder->n_events++;
    builder->users[n] = user;
    builder->items[n] = item;
    builder->types[n] = (uint8_t)type;
    builder->at_ms[n] = at_ms;
    builder->users_end = larger(builder->users_end, user + 1);
    builder->items_end = larger(builder->items_end, item + 1);
    builder->types_end = larger(builder->types_end, type + 1);
    return STATUS_OK;
}

/* malloc that gives a pointer for no things too, and refuses what overflows. */
static void *allocate(uint64_t n_things, size_t thing_bytes)
{
    if (n_things >= SIZE_MAX / thing_bytes)
        return NULL;
    return malloc((size_t)(n_things ? n_things : 1) * thing_bytes);
}

static struct dataset *dataset_allocate(uint32_t n_users, uint64_t n_events)
{
    struct dataset *dataset = calloc(1, sizeof *dataset);
    if (!dataset)
        return NULL;
    dataset->n_users = n_users;
    dataset->n_events = n_events;
    dataset->starts = calloc((size_t)n_users + 1, sizeof *dataset->starts);
    dataset->items = allocate(n_events, sizeof *dataset->items);
    dataset->types = allocate(n_events, sizeof *dataset->types);
    dataset->at_ms = allocate(n_events, sizeof *dataset->at_ms);
    if (dataset->starts && dataset->items && dataset->types && dataset->at_ms)
        return dataset;
    dataset_destroy(dataset);
    return NULL;
}

void dataset_destroy(struct dataset *dataset)
{
    if (!dataset)
        return;
    free(dataset->starts);
    free(dataset->items);
    free(dataset->types);
    free(dataset->at_ms);
    free(dataset);
}

/* Counting sort by user. starts[u] serves as user u's write position, and is put back afterwards. */
static void place_by_user(const struct dataset_builder *builder, struct dataset *dataset)
{
    uint64_t *starts = dataset->starts;
    for (uint64_t i = 0; i < builder->n_events; i++)
        starts[builder->users[i] + 1]++;
    for (uint32_t user = 0; user < dataset->n_users; user++)
        starts[user + 1] += starts[user];
    for (uint64_t i = 0; i < builder->n_events; i++) {
        uint64_t to = starts[builder->users[i]]++;
        dataset->items[to] = builder->items[i];
        dataset->types[to] = builder->types[i];
        dataset->at_ms[to] = builder->at_ms[i];
    }
    for (uint32_t user = dataset->n_users; user > 0; user--)
        starts[user] = starts[user - 1];
    starts[0] = 0;
}

struct dated_event {
    int64_t at_ms;
    uint64_t order; /* as it was added: makes the sort stable */
    uint32_t item;
    uint8_t type;
};

static int compare_dated(const void *left, const void *right)
{
    const struct dated_event *a = left, *b = right;
    if (a->at_ms != b->at_ms)
        return a->at_ms < b->at_ms ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

static bool is_in_time_order(const int64_t at_ms[], uint64_t n)
{
    for (uint64_t i = 1; i < n; i++) {
        if (at_ms[i] < at_ms[i - 1])
            return false;
    }
    return true;
}

static enum status sort_run(struct dataset *dataset, uint64_t first, uint64_t n)
{
    SCOPED(memory_free) struct dated_event *events = allocate(n, sizeof *events);
    if (!events)
        return STATUS_NOMEM;
    for (uint64_t i = 0; i < n; i++)
        events[i] = (struct dated_event){dataset->at_ms[first + i], i, dataset->items[first + i], dataset->types[first + i]};
    qsort(events, (size_t)n, sizeof *events, compare_dated);
    for (uint64_t i = 0; i < n; i++) {
        dataset->at_ms[first + i] = events[i].at_ms;
        dataset->items[first + i] = events[i].item;
        dataset->types[first + i] = events[i].type;
    }
    return STATUS_OK;
}

static enum status sort_by_time(struct dataset *dataset)
{
    for (uint32_t user = 0; user < dataset->n_users; user++) {
        uint64_t first = dataset->starts[user], n = dataset->starts[user + 1] - first;
        if (!is_in_time_order(dataset->at_ms + first, n))
            TRY(sort_run(dataset, first, n));
    }
    return STATUS_OK;
}

static void find_time_range(struct dataset *dataset)
{
    for (uint64_t i = 0; i < dataset->n_events; i++) {
        int64_t at_ms = dataset->at_ms[i];
        if (i == 0 || at_ms < dataset->first_at_ms)
            dataset->first_at_ms = at_ms;
        if (i == 0 || at_ms > dataset->last_at_ms)
            dataset->last_at_ms = at_ms;
    }
}

enum status dataset_finish(struct dataset_builder *builder, uint32_t n_users, uint32_t n_items, uint32_t n_types,
                           struct dataset **out_dataset)
{
    if (n_users < builder->users_end || n_items < builder->items_end || n_types < builder->types_end || n_types > EVENT_TYPES_MAX)
        return STATUS_INVALID;
    SCOPED(dataset_destroy) struct dataset *dataset = dataset_allocate(n_users, builder->n_events);
    if (!dataset)
        return STATUS_NOMEM;
    dataset->n_items = n_items;
    dataset->n_types = n_types;
    place_by_user(builder, dataset);
    builder_empty(builder);
    TRY(sort_by_time(dataset));
    find_time_range(dataset);
    *out_dataset = dataset;
    dataset = NULL;
    return STATUS_OK;
}

/* --- the split --- */

/* The smallest time t for which all but a tenth of the events, and no more than twice the cases that are kept, are at t or before: halving
 * the range of times needs no copy of them. */
static int64_t time_cut(const struct dataset *dataset, uint32_t max_held_out)
{
    uint64_t n_held_out = dataset->n_events / 10, most = max_held_out ? 2ull * max_held_out : UINT64_MAX;
    uint64_t wanted = dataset->n_events - (n_held_out < most ? n_held_out : most);
    int64_t low = dataset->first_at_ms, high = dataset->last_at_ms;
    while (low < high) {
        int64_t middle = low + (int64_t)(((uint64_t)high - (uint64_t)low) / 2);
        uint64_t n_before = 0;
        for (uint64_t i = 0; i < dataset->n_events; i++)
            n_before += dataset->at_ms[i] <= middle;
        if (n_before >= wanted)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* The index of the user's last positive event if there are two or more, else the end of the user's events. */
static uint64_t train_end_last(const struct dataset *dataset, uint32_t user, const struct type_weights *weights)
{
    uint64_t n_positives = 0, last = 0;
    for (uint64_t i = dataset->starts[user]; i < dataset->starts[user + 1]; i++) {
        if (weights->weights[dataset->types[i]] > 0) {
            n_positives++;
            last = i;
        }
    }
    return n_positives >= 2 ? last : dataset->starts[user + 1];
}

static uint64_t train_end_time(const struct dataset *dataset, uint32_t user, int64_t cut_at_ms)
{
    uint64_t end = dataset->starts[user];
    while (end < dataset->starts[user + 1] && dataset->at_ms[end] <= cut_at_ms)
        end++;
    return end;
}

/* What the walk over the held-out events does with the cases it finds: out of n_found keep n_kept, spread evenly. */
struct case_choice {
    uint64_t n_found, n_kept; /* n_kept = 0: only count */
    uint64_t number;          /* of the next case */
    uint64_t n_repeats;       /* that are no cases: the user already had the item */
    struct held_out *kept;
    uint32_t n_written;
};

static void offer_case(struct case_choice *choice, uint32_t user, uint64_t target)
{
    uint64_t number = choice->number++;
    if (choice->n_kept == 0)
        return;
    /* number * n_kept / n_found rises by one exactly n_kept times while number runs from 0 to n_found */
    bool keep =
        choice->n_kept == choice->n_found || (number + 1) * choice->n_kept / choice->n_found != number * choice->n_kept / choice->n_found;
    if (keep)
        choice->kept[choice->n_written++] = (struct held_out){.user = user, .target = target};
}

/* Offer every case of the user. seen_by[item] = user + 1 marks the items that this user already had. */
static void walk_user(const struct dataset *dataset, const struct split *split, uint32_t user, uint32_t seen_by[],
                      struct case_choice *choice)
{
    bool has_input = false;
    for (uint64_t i = dataset->starts[user]; i < dataset->starts[user + 1]; i++) {
        float weight = split->weights.weights[dataset->types[i]];
        if (!feedback_is_behaviour(weight))
            continue;
        bool is_target = split->kind == SPLIT_LAST ? i == split->train_ends[user] : i >= split->train_ends[user];
        bool is_repeat = seen_by[dataset->items[i]] == user + 1, is_asked = is_target && weight > 0 && has_input;
        if (is_asked && !is_repeat)
            offer_case(choice, user, i);
        choice->n_repeats += is_asked && is_repeat;
        seen_by[dataset->items[i]] = user + 1;
        has_input = true;
    }
}

static enum status walk_users(const struct dataset *dataset, const struct split *split, struct case_choice *choice)
{
    SCOPED(memory_free) uint32_t *seen_by = calloc((size_t)dataset->n_items + 1, sizeof *seen_by);
    if (!seen_by)
        return STATUS_NOMEM;
    for (uint32_t user = 0; user < dataset->n_users; user++)
        walk_user(dataset, split, user, seen_by, choice);
    return STATUS_OK;
}

static enum status choose_cases(const struct dataset *dataset, uint32_t max_held_out, struct split *split)
{
    struct case_choice counted = {0};
    TRY(walk_users(dataset, split, &counted));
    uint64_t max = max_held_out ? max_held_out : UINT32_MAX;
    uint64_t n_kept = counted.number < max ? counted.number : max;
    split->held_out = allocate(n_kept, sizeof *split->held_out);
    if (!split->held_out)
        return STATUS_NOMEM;
    struct case_choice choice = {.n_found = counted.number, .n_kept = n_kept, .kept = split->held_out};
    TRY(walk_users(dataset, split, &choice));
    assert(choice.n_written == n_kept);
    split->n_held_out = choice.n_written;
    split->n_firsts = counted.number;
    split->n_repeats = counted.n_repeats;
    return STATUS_OK;
}

enum status dataset_split(const struct dataset *dataset, enum split_kind kind, const struct type_weights *weights, uint32_t max_held_out,
                          struct split **out_split)
{
    SCOPED(split_destroy) struct split *split = calloc(1, sizeof *split);
    if (!split)
        return STATUS_NOMEM;
    split->kind = kind;
    split->weights = *weights;
    split->train_ends = allocate(dataset->n_users, sizeof *split->train_ends);
    if (!split->train_ends)
        return STATUS_NOMEM;
    int64_t cut_at_ms = kind == SPLIT_TIME ? time_cut(dataset, max_held_out) : 0;
    for (uint32_t user = 0; user < dataset->n_users; user++)
        split->train_ends[user] = kind == SPLIT_LAST ? train_end_last(dataset, user, weights) : train_end_time(dataset, user, cut_at_ms);
    TRY(choose_cases(dataset, max_held_out, split));
    *out_split = split;
    split = NULL;
    return STATUS_OK;
}

void split_destroy(struct split *split)
{
    if (!split)
        return;
    free(split->train_ends);
    free(split->held_out);
    free(split);
}
