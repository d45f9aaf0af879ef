/* The line is made in one buffer and written with one call, so that it does not tear. On a terminal it starts with a carriage return and
 * ends with "clear to end of line"; a phase's last state is always shown, however soon after the one before. */
#include "server/verbs/progress_bar.h"

#include "core/base/clock.h"
#include "server/verbs/interrupt.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BAR_CELLS            12u
#define TERMINAL_INTERVAL_NS 100000000ull
#define LINE_INTERVAL_NS     1000000000ull

void progress_bar_init(struct progress_bar *bar)
{
    *bar = (struct progress_bar){.is_terminal = isatty(STDERR_FILENO) == 1};
}

/* 1234567 as "1 234 567". */
static void append_grouped(struct buffer *out, uint64_t number)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            buffer_append(out, " ", 1);
        buffer_append(out, &digits[i], 1);
    }
}

static void append_duration(struct buffer *out, uint64_t seconds)
{
    if (seconds >= 3600)
        buffer_append_format(out, "%llu h %02llu min", (unsigned long long)(seconds / 3600), (unsigned long long)(seconds / 60 % 60));
    else
        buffer_append_format(out, "%llu:%02llu", (unsigned long long)(seconds / 60), (unsigned long long)(seconds % 60));
}

static void append_cells(struct buffer *out, uint64_t done, uint64_t total)
{
    unsigned n_full = (unsigned)((double)done / (double)total * BAR_CELLS);
    buffer_append(out, " [", 2);
    for (unsigned i = 0; i < BAR_CELLS; i++)
        buffer_append(out, i < n_full ? "#" : "-", 1);
    buffer_append(out, "]", 1);
}

static void append_rate(struct buffer *out, const struct progress_bar *bar, uint64_t elapsed_ns)
{
    double seconds = (double)elapsed_ns / 1e9;
    double rate = seconds > 0 ? (double)bar->done / seconds : 0;
    if (seconds < 0.5 || !(rate > 0))
        return;
    buffer_append(out, "  ", 2);
    if (rate >= 10)
        append_grouped(out, (uint64_t)rate);
    else
        buffer_append_format(out, "%.1f", rate);
    buffer_append(out, "/s", 2);
    if (bar->total && bar->done < bar->total) {
        buffer_append(out, "  ", 2);
        append_duration(out, (uint64_t)((double)(bar->total - bar->done) / rate + 0.5));
        buffer_append_text(out, " left");
    } else {
        buffer_append_text(out, "  in ");
        append_duration(out, (uint64_t)(seconds + 0.5));
    }
}

/* Cut the text behind first to at most columns characters, not inside a UTF-8 sequence. */
static void cut(struct buffer *out, size_t first, unsigned columns)
{
    unsigned n_characters = 0;
    for (size_t i = first; i < out->n_bytes; i++) {
        bool starts_character = ((unsigned char)out->bytes[i] & 0xC0) != 0x80;
        if (starts_character && n_characters++ == columns) {
            out->n_bytes = i;
            out->bytes[i] = '\0';
            return;
        }
    }
}

void progress_bar_write(const struct progress_bar *bar, uint64_t elapsed_ns, unsigned columns, struct buffer *out)
{
    size_t first = out->n_bytes;
    uint64_t done = bar->total && bar->done > bar->total ? bar->total : bar->done;
    buffer_append_format(out, "%-16s", bar->phase);
    if (bar->total && columns)
        append_cells(out, done, bar->total);
    if (bar->total) {
        buffer_append_format(out, " %3u %%", (unsigned)((double)done / (double)bar->total * 100));
    } else {
        buffer_append(out, " ", 1);
        append_grouped(out, done);
    }
    append_rate(out, bar, elapsed_ns);
    if (bar->note[0])
        buffer_append_format(out, "  %s", bar->note);
    if (columns && !out->failed)
        cut(out, first, columns);
}

static unsigned terminal_columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col - 1u : 79;
}

static void show(struct progress_bar *bar, uint64_t now_ns, bool is_last)
{
    SCOPED(buffer_clear) struct buffer line;
    buffer_init(&line, 4096);
    if (bar->is_terminal)
        buffer_append(&line, "\r", 1);
    progress_bar_write(bar, now_ns - bar->began_ns, bar->is_terminal ? terminal_columns() : 0, &line);
    if (bar->is_terminal)
        buffer_append_text(&line, "\033[K");
    if (!bar->is_terminal || is_last)
        buffer_append(&line, "\n", 1);
    if (!line.failed)
        (void)fwrite(line.bytes, 1, line.n_bytes, stderr);
    (void)fflush(stderr);
    bar->shown_ns = now_ns;
    bar->was_shown = true;
}

void progress_bar_finish(struct progress_bar *bar)
{
    if (bar->is_open && (bar->is_terminal || !bar->was_shown))
        show(bar, clock_monotonic_ns(), true);
    bar->is_open = false;
}

static void copy_text(char *to, size_t to_bytes, const char *from)
{
    (void)snprintf(to, to_bytes, "%s", from ? from : "");
}

static void begin_phase(struct progress_bar *bar, const char *phase, uint64_t now_ns)
{
    progress_bar_finish(bar);
    copy_text(bar->phase, sizeof bar->phase, phase);
    bar->is_open = true;
    bar->began_ns = now_ns;
    bar->shown_ns = now_ns > LINE_INTERVAL_NS ? now_ns - LINE_INTERVAL_NS : 0; /* the first step is shown at once */
}

static bool report(void *context, const struct progress_step *step)
{
    struct progress_bar *bar = context;
    uint64_t now_ns = clock_monotonic_ns();
    if (!bar->is_open || strncmp(bar->phase, step->phase, sizeof bar->phase - 1) != 0)
        begin_phase(bar, step->phase, now_ns);
    bar->done = step->done;
    bar->total = step->total;
    copy_text(bar->note, sizeof bar->note, step->note);
    bar->was_shown = false;
    if (now_ns - bar->shown_ns >= (bar->is_terminal ? TERMINAL_INTERVAL_NS : LINE_INTERVAL_NS))
        show(bar, now_ns, false);
    return !interrupt_pending();
}

struct progress progress_bar_progress(struct progress_bar *bar)
{
    return (struct progress){.report = report, .context = bar};
}
