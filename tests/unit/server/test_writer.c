/* The writer: order, batches, the bound of the queue, and that stopping writes what waits. */
#include "server/app/writer.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define WRITES 64

static struct writer *writer;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards everything below */
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool is_held, is_entered;
static size_t n_bytes;
static char batches[1024]; /* "a|bc|": the ids of each batch */
static unsigned n_done;

/* While held, the writer waits in its first batch, so that a test decides what waits behind it. */
static void record(void *context, struct write *batch)
{
    (void)context;
    (void)pthread_mutex_lock(&lock);
    is_entered = true;
    (void)pthread_cond_broadcast(&changed);
    while (is_held)
        (void)pthread_cond_wait(&changed, &lock);
    for (struct write *write = batch; write; write = write->next)
        n_bytes += (size_t)snprintf(batches + n_bytes, sizeof batches - n_bytes, "%s", write->id);
    n_bytes += (size_t)snprintf(batches + n_bytes, sizeof batches - n_bytes, "|");
    (void)pthread_mutex_unlock(&lock);
}

static void rest(void *context)
{
    (void)context;
}

static void count_done(void *context)
{
    (void)context;
    (void)pthread_mutex_lock(&lock);
    n_done++;
    (void)pthread_cond_broadcast(&changed);
    (void)pthread_mutex_unlock(&lock);
}

static void start(uint32_t max_waiting)
{
    struct writer_actions actions = {.record = record, .idle = rest};
    cr_assert_eq(writer_start(max_waiting, &actions, &writer, NULL), STATUS_OK);
}

static struct write writes[WRITES];
static unsigned n_writes;

static enum status submit(const char *id, enum write_kind kind, size_t n)
{
    struct write *write = &writes[n_writes++];
    *write = (struct write){.kind = kind, .id = id, .n = n, .done = count_done};
    return writer_submit(writer, write, NULL);
}

/* Put the writer into a batch of its own and hold it there. */
static void hold(void)
{
    is_held = true;
    cr_assert_eq(submit("0", WRITE_EVENTS, 1), STATUS_OK);
    (void)pthread_mutex_lock(&lock);
    while (!is_entered)
        (void)pthread_cond_wait(&changed, &lock);
    (void)pthread_mutex_unlock(&lock);
}

static void let_go(void)
{
    (void)pthread_mutex_lock(&lock);
    is_held = false;
    (void)pthread_cond_broadcast(&changed);
    (void)pthread_mutex_unlock(&lock);
}

Test(writer, takes_what_waits_as_one_batch)
{
    start(100);
    hold();
    for (int i = 0; i < 5; i++)
        cr_assert_eq(submit("e", WRITE_EVENTS, 10), STATUS_OK);
    let_go();
    writer_stop(writer);
    cr_assert_str_eq(batches, "0|eeeee|");
}

Test(writer, bounds_a_batch_by_rows)
{
    start(100);
    hold();
    cr_assert_eq(submit("a", WRITE_EVENTS, WRITER_BATCH_ROWS - 1), STATUS_OK);
    cr_assert_eq(submit("b", WRITE_USER, 12345), STATUS_OK); /* one row, whatever n says */
    cr_assert_eq(submit("c", WRITE_ITEMS, 1), STATUS_OK);
    cr_assert_eq(submit("d", WRITE_EVENTS, WRITER_BATCH_ROWS * 10), STATUS_OK); /* too large for any batch but its own */
    let_go();
    writer_stop(writer);
    cr_assert_str_eq(batches, "0|ab|c|d|");
}

Test(writer, gives_deletes_and_models_a_batch_each)
{
    start(100);
    hold();
    cr_assert_eq(submit("a", WRITE_EVENTS, 1), STATUS_OK);
    cr_assert_eq(submit("x", WRITE_ITEM_DELETE, 0), STATUS_OK);
    cr_assert_eq(submit("y", WRITE_USER_ERASE, 0), STATUS_OK);
    cr_assert_eq(submit("b", WRITE_ITEMS, 1), STATUS_OK);
    cr_assert_eq(submit("c", WRITE_EVENTS, 1), STATUS_OK);
    cr_assert_eq(submit("z", WRITE_MODEL_ADOPT, 0), STATUS_OK);
    let_go();
    writer_stop(writer);
    cr_assert_str_eq(batches, "0|a|x|y|bc|z|");
}

Test(writer, refuses_more_than_its_queue_holds)
{
    struct error error = {0};
    start(3);
    hold();
    for (int i = 0; i < 3; i++)
        cr_assert_eq(submit("e", WRITE_EVENTS, 1), STATUS_OK);
    cr_assert_eq(writer_waiting(writer), 3);
    struct write one_more = {.kind = WRITE_EVENTS, .n = 1, .done = count_done};
    cr_assert_eq(writer_submit(writer, &one_more, &error), STATUS_BUSY);
    cr_assert(strstr(error.detail, "3 writes are waiting"), "%s", error.detail);
    let_go();
    writer_stop(writer);
    cr_assert_eq(n_done, 4);
}

Test(writer, writes_what_waits_before_it_stops)
{
    start(100);
    hold();
    for (int i = 0; i < 20; i++)
        cr_assert_eq(submit(i % 2 ? "a" : "b", i % 3 ? WRITE_EVENTS : WRITE_ITEM_DELETE, 1), STATUS_OK);
    let_go();
    writer_stop(writer);
    cr_assert_eq(n_done, 21);
}
