/* Packing: every row that can be learned from is in an epoch, nothing else is, and the parts of a batch are what their header says. */
#include "core/batches.h"

#include "kernel_arguments.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ITEMS   50u
#define HISTORY 6u

/* Types 0 (positive), 1 (shown only), 2 (dislike), 3 (half a positive). */
static const struct type_weights weights = {.weights = {1, -.05f, -1, .5f}};

struct fixture {
    struct dataset *dataset;
    struct split *split;
    struct sequences sequences;
    struct batches batches;
};

/* Users with 0 to 39 events; the split holds back the last one of each. */
static void fixture_init(struct fixture *fixture, uint32_t n_users, uint32_t batch_rows)
{
    struct random random;
    random_init(&random, ARGUMENT_SEED, n_users);
    SCOPED(dataset_builder_destroy) struct dataset_builder *builder = dataset_builder_create();
    for (uint32_t user = 0; user < n_users; user++) {
        uint32_t n = random_below(&random, 3) ? random_below(&random, 8) : random_below(&random, 40);
        for (uint32_t i = 0; i < n; i++)
            cr_assert(dataset_add(builder, user, random_below(&random, ITEMS), random_below(&random, 4), i) == STATUS_OK);
    }
    cr_assert(dataset_finish(builder, n_users, ITEMS, 4, &fixture->dataset) == STATUS_OK);
    cr_assert(dataset_split(fixture->dataset, SPLIT_LAST, &weights, 0, &fixture->split) == STATUS_OK);
    cr_assert(sequences_init(&fixture->sequences, fixture->dataset, fixture->split, &weights) == STATUS_OK);
    cr_assert(batches_init(&fixture->batches, &fixture->sequences, &weights,
                           &(struct batch_form){.history = HISTORY, .batch_rows = batch_rows}) == STATUS_OK);
}

static void fixture_clear(struct fixture *fixture)
{
    batches_clear(&fixture->batches);
    sequences_clear(&fixture->sequences);
    split_destroy(fixture->split);
    dataset_destroy(fixture->dataset);
}

/* Is [rows] with its targets somewhere in the training part of one user, events that are no behaviour left out? Marks the rows in covered
 * [n_events]. */
static bool find_window(const struct fixture *fixture, const uint32_t items[], const uint8_t types[], uint32_t n, bool covered[])
{
    const struct sequences *all = &fixture->sequences;
    bool found = false;
    for (uint32_t s = 0; s < all->n_sequences; s++) {
        for (uint64_t first = all->starts[s]; first + n < all->starts[s + 1]; first++) {
            uint32_t same = 0;
            while (same < n && all->items[first + same] == items[same] && all->types[first + same] == types[same])
                same++;
            for (uint32_t i = 0; same == n && i < n; i++)
                covered[first + i] = true;
            found = found || same == n;
        }
    }
    return found;
}

Test(batches, sequences_hold_what_counts_of_the_training_part)
{
    struct fixture fixture;
    fixture_init(&fixture, 80, 64);
    uint32_t s = 0;
    for (uint32_t user = 0; user < 80; user++) {
        uint32_t items[64], n = 0, n_useful = 0;
        for (uint64_t i = fixture.dataset->starts[user]; i < fixture.split->train_ends[user]; i++) {
            float weight = weights.weights[fixture.dataset->types[i]];
            if (weight > 0 || weight == -1)
                items[n++] = fixture.dataset->items[i];
            n_useful = weight > 0 ? n : n_useful;
        }
        if (n_useful < 2)
            continue;
        cr_assert_lt(s, fixture.sequences.n_sequences);
        cr_assert_eq(fixture.sequences.starts[s + 1] - fixture.sequences.starts[s], n_useful, "user %u", user);
        for (uint32_t i = 0; i < n_useful; i++)
            cr_assert_eq(fixture.sequences.items[fixture.sequences.starts[s] + i], items[i], "user %u", user);
        s++;
    }
    cr_assert_eq(s, fixture.sequences.n_sequences);
    fixture_clear(&fixture);
}

Test(batches, windows_are_stretches_of_one_user)
{
    struct fixture fixture;
    fixture_init(&fixture, 60, 40);
    bool *covered = calloc(fixture.sequences.n_events, sizeof *covered);
    for (uint32_t epoch = 1; epoch < 12; epoch++) {
        batches_shuffle(&fixture.batches, 1, epoch);
        for (uint32_t batch = 0; batch < fixture.batches.n_batches; batch++) {
            batches_fill(&fixture.batches, batch);
            for (unsigned s = 0; s < SLOTS; s++) {
                const struct packed *packed = &fixture.batches.slots[s].packed;
                cr_assert(packed->starts[0] == 0 && packed->starts[packed->n_sequences] == packed->n_rows);
                cr_assert_leq(packed->n_rows, fixture.batches.max_slot_rows);
                for (uint32_t w = 0; w < packed->n_sequences; w++) {
                    uint32_t first = packed->starts[w], n = packed->starts[w + 1] - first;
                    cr_assert(n >= 1 && n <= HISTORY);
                    cr_assert(find_window(&fixture, packed->items + first, packed->types + first, n, covered));
                }
            }
        }
    }
    for (uint32_t s = 0; s < fixture.sequences.n_sequences; s++) {
        for (uint64_t i = fixture.sequences.starts[s]; i + 1 < fixture.sequences.starts[s + 1]; i++)
            cr_assert(covered[i], "event %llu of sequence %u is never a row", (unsigned long long)(i - fixture.sequences.starts[s]), s);
    }
    free(covered);
    fixture_clear(&fixture);
}

Test(batches, the_order_of_the_slots_begins_with_the_longest)
{
    struct fixture fixture;
    fixture_init(&fixture, 60, 40);
    bool differs = false;
    for (uint32_t epoch = 1; epoch < 4; epoch++) {
        batches_shuffle(&fixture.batches, 1, epoch);
        for (uint32_t batch = 0; batch < fixture.batches.n_batches; batch++) {
            batches_fill(&fixture.batches, batch);
            uint32_t seen = 0, last = UINT32_MAX;
            for (unsigned turn = 0; turn < SLOTS; turn++) {
                uint32_t slot = fixture.batches.longest_first[turn];
                cr_assert_lt(slot, SLOTS);
                cr_assert_leq(fixture.batches.slots[slot].packed.n_rows, last);
                last = fixture.batches.slots[slot].packed.n_rows;
                seen |= UINT32_C(1) << slot;
                differs = differs || slot != turn;
            }
            cr_assert_eq(seen, (UINT32_C(1) << SLOTS) - 1, "every slot once");
        }
    }
    cr_assert(differs);
    fixture_clear(&fixture);
}

Test(batches, targets_are_positives_whose_weights_sum_to_1)
{
    struct fixture fixture;
    fixture_init(&fixture, 60, 40);
    batches_shuffle(&fixture.batches, 1, 1);
    for (uint32_t batch = 0; batch < fixture.batches.n_batches; batch++) {
        double sum = 0, least = 1, most = 0;
        uint32_t n_targets = 0;
        batches_fill(&fixture.batches, batch);
        for (unsigned s = 0; s < SLOTS; s++) {
            const struct batch_slot *slot = &fixture.batches.slots[s];
            for (uint32_t i = 0; i < slot->n_targets; i++) {
                double weight = (double)slot->target_weights[i];
                sum += weight;
                least = weight < least ? weight : least;
                most = weight > most ? weight : most;
                cr_assert_lt(slot->target_rows[i], slot->packed.n_rows);
                /* within a window the target of a row is the next row's item */
                uint32_t next = slot->target_rows[i] + 1;
                bool same_window = next < slot->packed.n_rows;
                for (uint32_t w = 0; w <= slot->packed.n_sequences; w++)
                    same_window = same_window && slot->packed.starts[w] != next;
                cr_assert(!same_window || (slot->packed.items[next] == slot->targets[i] && weights.weights[slot->packed.types[next]] > 0));
            }
            n_targets += slot->n_targets;
        }
        cr_assert_eq(n_targets, fixture.batches.n_targets);
        cr_assert(fabs(sum - 1) < 1e-5, "the weights sum to %g", sum);
        cr_assert(fabs(most / least - 2) < 1e-4, "a type of half the weight has %g of it", least / most);
    }
    fixture_clear(&fixture);
}

/* Users who had LADDER items each that nobody else had, one after the other: a target's number less its row's is how far ahead it is. The
 * split holds back one more. */
#define LADDER (HISTORY + 1)

static void ladders_init(struct fixture *fixture, uint32_t n_users, float reach)
{
    SCOPED(dataset_builder_destroy) struct dataset_builder *builder = dataset_builder_create();
    for (uint32_t user = 0; user < n_users; user++)
        for (uint32_t i = 0; i <= LADDER; i++)
            cr_assert(dataset_add(builder, user, user * (LADDER + 1) + i, 0, i) == STATUS_OK);
    cr_assert(dataset_finish(builder, n_users, n_users * (LADDER + 1), 1, &fixture->dataset) == STATUS_OK);
    cr_assert(dataset_split(fixture->dataset, SPLIT_LAST, &weights, 0, &fixture->split) == STATUS_OK);
    cr_assert(sequences_init(&fixture->sequences, fixture->dataset, fixture->split, &weights) == STATUS_OK);
    cr_assert(batches_init(&fixture->batches, &fixture->sequences, &weights,
                           &(struct batch_form){.history = HISTORY, .batch_rows = 64, .reach = reach}) == STATUS_OK);
    batches_shuffle(&fixture->batches, 1, 1);
}

Test(batches, a_reach_takes_targets_further_ahead_but_not_out_of_the_window)
{
    enum { USERS = 2000 };
    struct fixture fixture;
    uint32_t n_at[HISTORY + 1] = {0}; /* how often a user's first row foretells the event so far ahead */
    ladders_init(&fixture, USERS, .5f);
    for (uint32_t batch = 0; batch < fixture.batches.n_batches; batch++) {
        batches_fill(&fixture.batches, batch);
        for (unsigned s = 0; s < SLOTS; s++) {
            const struct batch_slot *slot = &fixture.batches.slots[s];
            cr_assert_eq(slot->n_targets, slot->packed.n_rows);
            for (uint32_t i = 0; i < slot->n_targets; i++) {
                uint32_t item = slot->packed.items[slot->target_rows[i]], rung = item % (LADDER + 1), ahead = slot->targets[i] - item;
                cr_assert(ahead >= 1 && rung + ahead < LADDER, "from event %u to %u of %u", rung, rung + ahead, LADDER);
                n_at[ahead] += rung == 0;
            }
        }
    }
    for (uint32_t ahead = 1; ahead <= HISTORY; ahead++) {
        double share = ahead < HISTORY ? pow(.5, ahead) : pow(.5, HISTORY - 1), error = sqrt(share * (1 - share) / USERS);
        cr_expect(fabs(n_at[ahead] / (double)USERS - share) < 4 * error, "%u of %u are %u ahead", n_at[ahead], USERS, ahead);
    }
    fixture_clear(&fixture);
}

/* out_targets [n_items]: of the row of each item, in this epoch. */
static void read_targets(struct fixture *fixture, uint32_t epoch, uint32_t out_targets[])
{
    batches_shuffle(&fixture->batches, 1, epoch);
    for (uint32_t batch = 0; batch < fixture->batches.n_batches; batch++) {
        batches_fill(&fixture->batches, batch);
        for (unsigned s = 0; s < SLOTS; s++) {
            const struct batch_slot *slot = &fixture->batches.slots[s];
            for (uint32_t i = 0; i < slot->n_targets; i++)
                out_targets[slot->packed.items[slot->target_rows[i]]] = slot->targets[i];
        }
    }
}

Test(batches, targets_of_a_reach_are_new_every_epoch_and_the_same_every_time)
{
    enum { USERS = 30 };
    struct fixture first, second;
    static uint32_t once[USERS * (LADDER + 1)], later[USERS * (LADDER + 1)], again[USERS * (LADDER + 1)];
    ladders_init(&first, USERS, .5f);
    ladders_init(&second, USERS, .5f);
    read_targets(&first, 1, once);
    read_targets(&first, 2, later);
    read_targets(&second, 2, again); /* has not seen epoch 1 */
    cr_expect_arr_neq(once, later, sizeof once);
    cr_expect_arr_eq(later, again, sizeof later);
    fixture_clear(&first);
    fixture_clear(&second);
}

/* User u's ladder at time u. The split keeps nothing back: n_users sequences, of age 1 to 0. */
static void aged_init(struct fixture *fixture, uint32_t n_users, float recency)
{
    SCOPED(dataset_builder_destroy) struct dataset_builder *builder = dataset_builder_create();
    for (uint32_t user = 0; user < n_users; user++)
        for (uint32_t i = 0; i < 2 + user % 3; i++) /* two to four events: windows of one row to three */
            cr_assert(dataset_add(builder, user, user, 0, user) == STATUS_OK);
    cr_assert(dataset_finish(builder, n_users, n_users, 1, &fixture->dataset) == STATUS_OK);
    cr_assert(dataset_split(fixture->dataset, SPLIT_LAST, &weights, 0, &fixture->split) == STATUS_OK);
    memcpy(fixture->split->train_ends, fixture->dataset->starts + 1, n_users * sizeof *fixture->split->train_ends);
    cr_assert(sequences_init(&fixture->sequences, fixture->dataset, fixture->split, &weights) == STATUS_OK);
    cr_assert(batches_init(&fixture->batches, &fixture->sequences, &weights,
                           &(struct batch_form){.history = HISTORY, .batch_rows = 64, .recency = recency}) == STATUS_OK);
}

Test(batches, a_recency_shows_new_windows_more_often_than_old_ones)
{
    enum { USERS = 3000, EPOCHS = 40, GROUPS = 10 };
    struct fixture fixture;
    static uint32_t n_seen[USERS];
    double of_group[GROUPS] = {0};
    aged_init(&fixture, USERS, 3);
    for (uint32_t epoch = 1; epoch <= EPOCHS; epoch++) {
        uint64_t n_rows = 0, n_windows = 0;
        batches_shuffle(&fixture.batches, 1, epoch);
        for (uint32_t batch = 0; batch < fixture.batches.n_batches; batch++) {
            batches_fill(&fixture.batches, batch);
            for (unsigned s = 0; s < SLOTS; s++) {
                const struct packed *packed = &fixture.batches.slots[s].packed;
                cr_assert_leq(packed->n_rows, fixture.batches.max_slot_rows);
                for (uint32_t w = 0; w < packed->n_sequences; w++)
                    n_seen[packed->items[packed->starts[w]]]++;
                n_windows += packed->n_sequences;
                n_rows += packed->n_rows;
            }
        }
        cr_assert_eq(n_windows, fixture.sequences.n_sequences, "as many as without");
        cr_assert_eq(n_rows, fixture.batches.n_rows);
    }
    for (uint32_t user = 0; user < USERS; user++)
        of_group[user / (USERS / GROUPS)] += n_seen[user];
    double sum = 0;
    for (unsigned i = 0; i < GROUPS; i++)
        sum += exp2(-3 * (1 - (i + .5) / GROUPS));
    for (unsigned i = 0; i < GROUPS; i++) {
        double share = exp2(-3 * (1 - (i + .5) / GROUPS)) / sum, seen = of_group[i] / ((double)USERS * EPOCHS);
        cr_expect(fabs(seen / share - 1) < .03, "group %u: %g of all windows, expected %g", i, seen, share);
    }
    fixture_clear(&fixture);
}

Test(batches, epochs_of_a_recency_differ_and_are_the_same_every_time)
{
    struct fixture first, second;
    aged_init(&first, 300, 3);
    aged_init(&second, 300, 3);
    batches_shuffle(&first.batches, 1, 1);
    struct window once = first.batches.windows[0];
    batches_shuffle(&first.batches, 1, 2);
    batches_shuffle(&second.batches, 1, 2); /* has not seen epoch 1 */
    cr_expect_neq(once.first, first.batches.windows[0].first);
    cr_assert_eq(first.batches.n_rows, second.batches.n_rows);
    for (uint32_t i = 0; i < first.batches.n_windows; i++)
        cr_assert_eq(first.batches.windows[i].first, second.batches.windows[i].first);
    fixture_clear(&first);
    fixture_clear(&second);
}

Test(batches, slots_have_about_the_same_number_of_rows)
{
    struct fixture fixture;
    fixture_init(&fixture, 400, 800);
    batches_shuffle(&fixture.batches, 1, 1);
    for (uint32_t batch = 0; batch < fixture.batches.n_batches; batch++) {
        uint32_t n_rows = 0;
        batches_fill(&fixture.batches, batch);
        for (unsigned s = 0; s < SLOTS; s++)
            n_rows += fixture.batches.slots[s].packed.n_rows;
        for (unsigned s = 0; s < SLOTS; s++) {
            uint32_t here = fixture.batches.slots[s].packed.n_rows;
            cr_assert(here + HISTORY >= n_rows / SLOTS && here <= n_rows / SLOTS + HISTORY, "%u rows of %u in a slot", here, n_rows);
        }
    }
    fixture_clear(&fixture);
}

Test(batches, an_epoch_is_the_same_every_time)
{
    struct fixture first, second;
    fixture_init(&first, 60, 40);
    fixture_init(&second, 60, 40);
    batches_shuffle(&first.batches, 1, 1); /* the second one has not seen epoch 1 */
    batches_shuffle(&first.batches, 1, 2);
    batches_shuffle(&second.batches, 1, 2);
    for (uint32_t batch = 0; batch < first.batches.n_batches; batch++) {
        batches_fill(&first.batches, batch);
        batches_fill(&second.batches, batch);
        cr_assert_eq(first.batches.n_targets, second.batches.n_targets);
        cr_assert_arr_eq(first.batches.targets, second.batches.targets, first.batches.n_targets * sizeof *first.batches.targets);
    }
    fixture_clear(&first);
    fixture_clear(&second);
}
