/* Behaviour: order, bounds, what stays seen, and that a forgotten user comes back as they were. */
#include "server/app/behaviour.h"

#include "core/base/random.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define NO_LIMIT (UINT64_C(1) << 40)
#define N_ITEMS  1024

/* A store of events in order of seq, as the real one answers. */
struct fake_store {
    struct fake_event {
        uint32_t user;
        struct behaviour_event event;
    } events[8192];
    uint64_t n; /* seq of the last */
    unsigned n_reads;
    enum status failure;
    void (*during_read)(void);
};

static struct fake_store store;
static struct behaviour *behaviour;

static enum status read_again(void *context, uint32_t user, uint64_t before_seq, struct behaviour_rebuild *rebuild, struct error *error)
{
    (void)context;
    store.n_reads++;
    if (store.failure != STATUS_OK)
        return fail(error, store.failure, "no luck");
    uint64_t last = before_seq <= store.n ? before_seq - 1 : store.n;
    for (uint64_t seq = last; seq > 0; seq--)
        if (store.events[seq].user == user)
            TRY(behaviour_rebuild_add(rebuild, seq, &store.events[seq].event));
    if (store.during_read)
        store.during_read();
    return STATUS_OK;
}

#define MAX_WEAK 8

static void create(uint32_t n_shards, uint32_t max_events, uint64_t max_bytes)
{
    struct behaviour_limits limits = {.n_shards = n_shards, .max_events = max_events, .max_weak = MAX_WEAK, .max_bytes = max_bytes};
    struct behaviour_source source = {.read = read_again};
    memset(&store, 0, sizeof store);
    behaviour = behaviour_create(&limits, &source);
    cr_assert(behaviour);
    behaviour_loaded(behaviour);
}

static void destroy(void)
{
    behaviour_destroy(behaviour);
    behaviour = NULL;
}

static uint64_t keep(uint32_t user, uint32_t item, int64_t at_ms)
{
    store.n++;
    store.events[store.n] = (struct fake_event){.user = user, .event = {.at_ms = at_ms, .item = item, .type = 1}};
    return store.n;
}

static enum status add(uint32_t user, uint32_t item, int64_t at_ms)
{
    uint64_t seq = keep(user, item, at_ms);
    return behaviour_add(behaviour, user, seq, &store.events[seq].event, NULL);
}

static enum status add_with(enum feedback feedback, uint32_t user, uint32_t item, int64_t at_ms)
{
    uint64_t seq = keep(user, item, at_ms);
    store.events[seq].event.feedback = (uint8_t)feedback;
    return behaviour_add(behaviour, user, seq, &store.events[seq].event, NULL);
}

/* The items of the user's weak events, newest first. */
static const char *weak_items_of(uint32_t user)
{
    static char text[4096];
    struct behaviour_event events[MAX_WEAK];
    uint32_t n = 0;
    size_t length = 0;
    cr_assert_eq(behaviour_read_weak(behaviour, user, MAX_WEAK, events, &n, NULL), STATUS_OK);
    text[0] = '\0';
    for (uint32_t i = 0; i < n; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%u", i ? " " : "", events[i].item);
    return text;
}

/* The user's items newest first as a text: "3 2 1". */
static const char *items_of(uint32_t user)
{
    static char text[4096];
    struct behaviour_event events[256];
    uint32_t n = 0;
    size_t length = 0;
    cr_assert_eq(behaviour_read(behaviour, user, 256, events, NULL, &n, NULL), STATUS_OK);
    text[0] = '\0';
    for (uint32_t i = 0; i < n; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%u", i ? " " : "", events[i].item);
    return text;
}

static bool has_seen(uint32_t user, uint32_t item)
{
    uint64_t words[N_ITEMS / 64] = {0};
    struct marks marks = {.words = words, .n_items = N_ITEMS};
    struct behaviour_event event;
    uint32_t n = 0;
    cr_assert_eq(behaviour_read(behaviour, user, 1, &event, &marks, &n, NULL), STATUS_OK);
    return marks_get(&marks, item);
}

static uint64_t n_forgotten(void)
{
    struct behaviour_figures figures;
    behaviour_measure(behaviour, &figures);
    return figures.n_forgotten;
}

TestSuite(behaviour, .fini = destroy);

Test(behaviour, of_a_stranger_is_empty)
{
    create(4, 8, NO_LIMIT);
    cr_assert_str_eq(items_of(1000000), "");
    cr_assert_eq(store.n_reads, 0);
}

Test(behaviour, reads_newest_first)
{
    create(4, 8, NO_LIMIT);
    for (uint32_t i = 1; i <= 3; i++)
        cr_assert_eq(add(7, i, 100 * i), STATUS_OK);
    cr_assert_str_eq(items_of(7), "3 2 1");
}

Test(behaviour, puts_late_arrivals_in_order_of_time)
{
    create(4, 8, NO_LIMIT);
    cr_assert_eq(add(7, 1, 100), STATUS_OK);
    cr_assert_eq(add(7, 3, 300), STATUS_OK);
    cr_assert_eq(add(7, 2, 200), STATUS_OK);
    cr_assert_eq(add(7, 0, 50), STATUS_OK);
    cr_assert_str_eq(items_of(7), "3 2 1 0");
}

Test(behaviour, keeps_the_order_of_arrival_at_equal_times)
{
    create(4, 8, NO_LIMIT);
    for (uint32_t i = 1; i <= 3; i++)
        cr_assert_eq(add(7, i, 100), STATUS_OK);
    cr_assert_str_eq(items_of(7), "3 2 1");
}

Test(behaviour, keeps_users_apart)
{
    create(2, 8, NO_LIMIT);
    for (uint32_t user = 0; user < 40; user++)
        cr_assert_eq(add(user, user + 1, 100), STATUS_OK);
    for (uint32_t user = 0; user < 40; user++) {
        char expected[32];
        (void)snprintf(expected, sizeof expected, "%u", user + 1);
        cr_assert_str_eq(items_of(user), expected);
        cr_assert_not(has_seen(user, user));
    }
}

Test(behaviour, copies_no_more_than_asked_for)
{
    create(1, 8, NO_LIMIT);
    struct behaviour_event events[2];
    uint32_t n = 0;
    for (uint32_t i = 1; i <= 5; i++)
        cr_assert_eq(add(7, i, i), STATUS_OK);
    cr_assert_eq(behaviour_read(behaviour, 7, 2, events, NULL, &n, NULL), STATUS_OK);
    cr_assert_eq(n, 2);
    cr_assert_eq(events[0].item, 5);
    cr_assert_eq(events[1].item, 4);
    cr_assert_eq(events[1].at_ms, 4);
    cr_assert_eq(events[1].type, 1);
}

Test(behaviour, lets_the_oldest_leave_when_full)
{
    create(1, 3, NO_LIMIT);
    for (uint32_t i = 1; i <= 5; i++)
        cr_assert_eq(add(7, i, i), STATUS_OK);
    cr_assert_str_eq(items_of(7), "5 4 3");
}

Test(behaviour, puts_a_late_arrival_among_the_kept_when_full)
{
    create(1, 3, NO_LIMIT);
    for (uint32_t i = 1; i <= 3; i++)
        cr_assert_eq(add(7, i, 10 * i), STATUS_OK);
    cr_assert_eq(add(7, 9, 25), STATUS_OK);
    cr_assert_str_eq(items_of(7), "3 9 2");
}

Test(behaviour, remembers_as_seen_what_has_left)
{
    create(1, 3, NO_LIMIT);
    for (uint32_t i = 1; i <= 900; i++)
        cr_assert_eq(add(7, i, i), STATUS_OK);
    for (uint32_t i = 1; i <= 900; i++)
        cr_assert(has_seen(7, i), "%u", i);
    cr_assert_not(has_seen(7, 0));
    cr_assert_not(has_seen(7, 901));
}

Test(behaviour, remembers_as_seen_what_came_too_late_to_be_kept)
{
    create(1, 2, NO_LIMIT);
    cr_assert_eq(add(7, 1, 10), STATUS_OK);
    cr_assert_eq(add(7, 2, 20), STATUS_OK);
    cr_assert_eq(add(7, 3, 5), STATUS_OK);
    cr_assert_str_eq(items_of(7), "2 1");
    cr_assert(has_seen(7, 3));
}

Test(behaviour, keeps_weak_events_apart)
{
    create(1, 8, NO_LIMIT);
    cr_assert_eq(add(1, 11, 1), STATUS_OK);
    cr_assert_eq(add_with(FEEDBACK_WEAK, 1, 21, 2), STATUS_OK);
    cr_assert_eq(add_with(FEEDBACK_WEAK, 1, 22, 3), STATUS_OK);
    cr_expect_str_eq(items_of(1), "11");
    cr_expect_str_eq(weak_items_of(1), "22 21");
    cr_expect_not(has_seen(1, 21));
}

Test(behaviour, keeps_the_newest_weak_events)
{
    create(1, 8, NO_LIMIT);
    for (uint32_t i = 0; i < 20; i++)
        cr_assert_eq(add_with(FEEDBACK_WEAK, 1, i, i), STATUS_OK);
    cr_expect_str_eq(weak_items_of(1), "19 18 17 16 15 14 13 12");
    cr_assert_eq(add_with(FEEDBACK_WEAK, 1, 99, 5), STATUS_OK); /* came too late */
    cr_expect_str_eq(weak_items_of(1), "19 18 17 16 15 14 13 12");
    for (uint32_t i = 0; i < 20; i++)
        cr_expect_not(has_seen(1, i));
}

Test(behaviour, answers_weak_events_by_a_positive_one_on_the_item)
{
    create(1, 8, NO_LIMIT);
    for (uint32_t i = 0; i < 4; i++)
        cr_assert_eq(add_with(FEEDBACK_WEAK, 1, i % 2, i), STATUS_OK);
    cr_assert_eq(add_with(FEEDBACK_POSITIVE, 1, 0, 4), STATUS_OK);
    cr_expect_str_eq(weak_items_of(1), "1 1");
    cr_assert_eq(add_with(FEEDBACK_NEGATIVE, 1, 1, 5), STATUS_OK); /* is no answer */
    cr_expect_str_eq(weak_items_of(1), "1 1");
    cr_assert_eq(add_with(FEEDBACK_WEAK, 1, 0, 6), STATUS_OK); /* shown again, and not taken again */
    cr_expect_str_eq(weak_items_of(1), "0 1 1");
}

Test(behaviour, answers_by_time_and_not_by_arrival)
{
    create(1, 8, NO_LIMIT);
    cr_assert_eq(add_with(FEEDBACK_POSITIVE, 1, 7, 10), STATUS_OK);
    cr_assert_eq(add_with(FEEDBACK_WEAK, 1, 7, 9), STATUS_OK); /* late: its answer is there already */
    cr_expect_str_eq(weak_items_of(1), "");
    cr_assert_eq(add_with(FEEDBACK_WEAK, 1, 7, 10), STATUS_OK); /* at the same time */
    cr_expect_str_eq(weak_items_of(1), "");
    cr_assert_eq(add_with(FEEDBACK_WEAK, 1, 8, 20), STATUS_OK);
    cr_assert_eq(add_with(FEEDBACK_POSITIVE, 1, 8, 15), STATUS_OK); /* late: before it was shown */
    cr_expect_str_eq(weak_items_of(1), "8");
}

Test(behaviour, keeps_no_weak_events_where_none_are_wanted)
{
    struct behaviour_limits limits = {.n_shards = 1, .max_events = 8, .max_bytes = NO_LIMIT};
    struct behaviour_source source = {.read = read_again};
    behaviour = behaviour_create(&limits, &source);
    cr_assert(behaviour);
    behaviour_loaded(behaviour);
    cr_assert_eq(add_with(FEEDBACK_WEAK, 1, 7, 9), STATUS_OK);
    cr_expect_str_eq(weak_items_of(1), "");
}

/* A user whose events fall out of memory in between, beside one whose do not. */
Test(behaviour, has_the_same_weak_events_after_it_was_forgotten)
{
    enum { EVENTS = 600 };
    struct random random;
    struct behaviour_limits limits = {.n_shards = 1, .max_events = 8, .max_weak = MAX_WEAK, .max_bytes = NO_LIMIT};
    struct behaviour_source source = {.read = read_again};
    create(1, 8, 300);
    struct behaviour *whole = behaviour_create(&limits, &source);
    cr_assert(whole);
    random_init(&random, 5, 0);
    for (int i = 0; i < EVENTS; i++) {
        uint32_t user = random_below(&random, 3), item = random_below(&random, 6);
        enum feedback feedback = random_below(&random, 100) < (i / 100 % 2 ? 10 : 60) ? FEEDBACK_WEAK : FEEDBACK_POSITIVE;
        cr_assert_eq(add_with(feedback, user, item, i), STATUS_OK);
        cr_assert_eq(behaviour_add(whole, user, store.n, &store.events[store.n].event, NULL), STATUS_OK);
        for (user = 0; user < 3; user++) {
            struct behaviour_event expected[MAX_WEAK], got[MAX_WEAK];
            uint32_t n_expected = 0, n_got = 0;
            cr_assert_eq(behaviour_read_weak(whole, user, MAX_WEAK, expected, &n_expected, NULL), STATUS_OK);
            cr_assert_eq(behaviour_read_weak(behaviour, user, MAX_WEAK, got, &n_got, NULL), STATUS_OK);
            cr_assert_eq(n_got, n_expected, "after %d events", i);
            for (uint32_t k = 0; k < n_got; k++)
                cr_assert(got[k].item == expected[k].item && got[k].at_ms == expected[k].at_ms, "after %d events", i);
        }
    }
    cr_assert_gt(store.n_reads, EVENTS / 2);
    behaviour_destroy(whole);
}

Test(behaviour, forgets_the_idlest_user_first)
{
    create(1, 64, 600); /* room for a few users of one event each */
    uint32_t n = 0;
    while (!n_forgotten())
        cr_assert_eq(add(n++, 1, 1), STATUS_OK);
    cr_assert_gt(n, 2);
    unsigned reads = store.n_reads;
    cr_assert_str_eq(items_of(n - 1), "1");
    cr_assert_eq(store.n_reads, reads, "the newest is in memory");
    cr_assert_str_eq(items_of(0), "1");
    cr_assert_eq(store.n_reads, reads + 1, "the idlest was forgotten");
}

Test(behaviour, counts_a_read_as_use)
{
    create(1, 64, 600);
    uint32_t n = 0;
    while (!n_forgotten()) {
        cr_assert_eq(add(n++, 1, 1), STATUS_OK);
        (void)items_of(0);
    }
    unsigned reads = store.n_reads;
    (void)items_of(0);
    cr_assert_eq(store.n_reads, reads, "user 0 was asked for all the time");
    (void)items_of(1);
    cr_assert_eq(store.n_reads, reads + 1);
}

Test(behaviour, keeps_the_bound_in_bytes)
{
    create(4, 32, 20000);
    struct behaviour_figures figures;
    for (uint32_t i = 0; i < 4000; i++) {
        cr_assert_eq(add(i % 500, i % N_ITEMS, i), STATUS_OK);
        behaviour_measure(behaviour, &figures);
        cr_assert_leq(figures.bytes, 20000);
    }
    cr_assert_gt(figures.n_forgotten, 0);
}

Test(behaviour, keeps_a_user_who_is_larger_than_the_bound)
{
    create(1, 64, 64);
    for (uint32_t i = 1; i <= 20; i++)
        cr_assert_eq(add(7, i, i), STATUS_OK);
    cr_assert_str_eq(items_of(7), "20 19 18 17 16 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1");
    cr_assert_eq(store.n_reads, 0);
}

/* The same random events into one that never forgets and one that always does. */
Test(behaviour, is_the_same_after_it_was_forgotten)
{
    enum { USERS = 30, EVENTS = 3000 };
    struct random random;
    struct behaviour_limits limits = {.n_shards = 1, .max_events = 16, .max_bytes = NO_LIMIT};
    struct behaviour_source source = {.read = read_again};
    create(1, 16, 300);
    struct behaviour *whole = behaviour_create(&limits, &source);
    cr_assert(whole);
    random_init(&random, 5, 0);
    for (int i = 0; i < EVENTS; i++) {
        uint32_t user = random_below(&random, USERS);
        cr_assert_eq(add(user, random_below(&random, N_ITEMS), random_below(&random, 100)), STATUS_OK);
        cr_assert_eq(behaviour_add(whole, user, store.n, &store.events[store.n].event, NULL), STATUS_OK);
    }
    cr_assert_gt(store.n_reads, EVENTS / 2);
    for (uint32_t user = 0; user < USERS; user++) {
        struct behaviour_event expected[16], got[32];
        uint64_t expected_words[N_ITEMS / 64] = {0}, got_words[N_ITEMS / 64] = {0};
        struct marks expected_marks = {expected_words, N_ITEMS}, got_marks = {got_words, N_ITEMS};
        uint32_t n_expected = 0, n_got = 0;
        memset(expected, 0, sizeof expected);
        memset(got, 0, sizeof got);
        cr_assert_eq(behaviour_read(whole, user, 16, expected, &expected_marks, &n_expected, NULL), STATUS_OK);
        cr_assert_eq(behaviour_read(behaviour, user, 16, got, &got_marks, &n_got, NULL), STATUS_OK);
        cr_assert_eq(n_got, n_expected);
        for (uint32_t i = 0; i < n_got; i++) {
            cr_assert_eq(got[i].item, expected[i].item);
            cr_assert_eq(got[i].at_ms, expected[i].at_ms);
        }
        cr_assert_arr_eq(got_words, expected_words, sizeof got_words);
    }
    behaviour_destroy(whole);
}

Test(behaviour, does_not_count_twice_what_a_rebuild_has_brought)
{
    create(1, 8, 100);
    cr_assert_eq(add(1, 11, 1), STATUS_OK);
    cr_assert_eq(add(2, 22, 2), STATUS_OK); /* pushes user 1 out */
    cr_assert_eq(add(3, 33, 2), STATUS_OK);
    cr_assert_gt(n_forgotten(), 0);
    uint64_t seq = keep(1, 12, 3); /* committed, not yet applied */
    cr_assert_str_eq(items_of(1), "12 11");
    cr_assert_eq(behaviour_add(behaviour, 1, seq, &store.events[seq].event, NULL), STATUS_OK);
    cr_assert_str_eq(items_of(1), "12 11");
}

static void write_meanwhile(void)
{
    store.during_read = NULL;
    cr_assert_eq(add(1, 99, 9), STATUS_OK); /* while the reader of user 1 has read, and not yet installed */
    cr_assert_eq(add(2, 22, 9), STATUS_OK);
    cr_assert_eq(add(3, 33, 9), STATUS_OK); /* user 1 is forgotten again */
}

Test(behaviour, does_not_install_a_rebuild_that_is_behind)
{
    create(1, 8, 100);
    cr_assert_eq(add(1, 11, 1), STATUS_OK);
    cr_assert_eq(add(2, 22, 2), STATUS_OK);
    cr_assert_eq(add(3, 33, 2), STATUS_OK);
    store.during_read = write_meanwhile;
    cr_assert_str_eq(items_of(1), "99 11");
}

Test(behaviour, says_when_a_user_cannot_be_read_again)
{
    create(1, 8, 100);
    for (uint32_t user = 1; user <= 3; user++)
        cr_assert_eq(add(user, user, 1), STATUS_OK);
    struct behaviour_event event;
    struct error error = {0};
    uint32_t n = 77;
    store.failure = STATUS_IO;
    cr_assert_eq(behaviour_read(behaviour, 1, 1, &event, NULL, &n, &error), STATUS_IO);
    cr_assert_str_eq(error.detail, "no luck");
    cr_assert_eq(n, 77);
}

Test(behaviour, finds_later_what_could_not_be_added)
{
    create(1, 8, 100);
    for (uint32_t user = 1; user <= 3; user++)
        cr_assert_eq(add(user, user, 1), STATUS_OK);
    store.failure = STATUS_IO;
    cr_assert_eq(add(1, 50, 2), STATUS_IO);
    store.failure = STATUS_OK;
    cr_assert_str_eq(items_of(1), "50 1");
}

Test(behaviour, of_an_erased_user_stays_empty)
{
    create(1, 8, NO_LIMIT);
    cr_assert_eq(add(1, 11, 1), STATUS_OK);
    behaviour_erase(behaviour, 1);
    cr_assert_str_eq(items_of(1), "");
    cr_assert_not(has_seen(1, 11));
    cr_assert_eq(store.n_reads, 0);
    struct behaviour_figures figures;
    behaviour_measure(behaviour, &figures);
    cr_assert_eq(figures.bytes, 0);
}

static void erase_meanwhile(void)
{
    store.during_read = NULL;
    behaviour_erase(behaviour, 1);
}

Test(behaviour, of_a_user_erased_during_a_rebuild_stays_empty)
{
    create(1, 8, 100);
    for (uint32_t user = 1; user <= 3; user++)
        cr_assert_eq(add(user, user, 1), STATUS_OK);
    store.during_read = erase_meanwhile;
    cr_assert_str_eq(items_of(1), "");
}

Test(behaviour, does_not_ask_the_source_while_loading)
{
    struct behaviour_limits limits = {.n_shards = 1, .max_events = 8, .max_bytes = 200};
    struct behaviour_source source = {.read = read_again};
    memset(&store, 0, sizeof store);
    behaviour = behaviour_create(&limits, &source);
    for (int round = 0; round < 3; round++)
        for (uint32_t user = 1; user <= 10; user++)
            cr_assert_eq(add(user, (uint32_t)round * 10 + user, round), STATUS_OK);
    cr_assert_gt(n_forgotten(), 0);
    cr_assert_eq(store.n_reads, 0);
    behaviour_loaded(behaviour);
    cr_assert_str_eq(items_of(1), "21 11 1");
    cr_assert_gt(store.n_reads, 0);
}
