/* The text of the bar for a given moment; when it is drawn is left to the eye. */
#include "server/verbs/progress_bar.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct progress_bar bar_of(const char *phase, uint64_t done, uint64_t total, const char *note)
{
    struct progress_bar bar = {.done = done, .total = total};
    (void)snprintf(bar.phase, sizeof bar.phase, "%s", phase);
    (void)snprintf(bar.note, sizeof bar.note, "%s", note);
    return bar;
}

static void expect_line(struct progress_bar bar, uint64_t elapsed_ns, unsigned columns, const char *expected)
{
    SCOPED(buffer_clear) struct buffer line;
    buffer_init(&line, 1000);
    progress_bar_write(&bar, elapsed_ns, columns, &line);
    cr_expect_str_eq(line.bytes, expected);
}

#define SECOND UINT64_C(1000000000)

Test(progress_bar, says_percent_rate_time_left_and_note)
{
    expect_line(bar_of("training", 12345, 98760, "epoch 3"), 5 * SECOND, 0, "training          12 %  2 469/s  0:35 left  epoch 3");
}

Test(progress_bar, draws_cells_on_a_terminal)
{
    expect_line(bar_of("training", 1, 2, ""), 0, 79, "training         [######------]  50 %");
}

Test(progress_bar, counts_when_the_total_is_not_known)
{
    expect_line(bar_of("reading", 1234567, 0, ""), 0, 79, "reading          1 234 567");
}

Test(progress_bar, says_how_long_it_took_at_the_end)
{
    expect_line(bar_of("reading", 7200, 7200, ""), 3600 * SECOND, 0, "reading          100 %  2.0/s  in 1 h 00 min");
}

Test(progress_bar, never_shows_more_than_all)
{
    expect_line(bar_of("reading", 9, 3, ""), 0, 79, "reading          [############] 100 %");
}

Test(progress_bar, is_cut_to_the_terminal_between_characters)
{
    expect_line(bar_of("reading", 0, 0, "äöü"), 0, 22, "reading          0  äö");
}
