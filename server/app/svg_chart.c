/* Everything is laid out in user units of a fixed view box and scales with the page. Numbers are written with one digit behind the point.
 */
#include "server/app/svg_chart.h"

#include "server/app/html_text.h"

#include <math.h>
#include <stdio.h>

#define WIDTH      460.0
#define HEIGHT     300.0
#define LEFT       62.0
#define RIGHT      14.0
#define TOP        12.0
#define BOTTOM     50.0
#define TICKS      5
#define BAR_HEIGHT 30.0
#define BAR_LEFT   92.0
#define BAR_RIGHT  62.0
#define TICKS_MAX  40

/* 1, 2 or 5 times a power of ten, so that span holds about n of them. */
static double round_step(double span, int n)
{
    double raw = span / n, power = pow(10, floor(log10(raw)));
    double factor = raw / power;
    return power * (factor <= 1 ? 1 : factor <= 2 ? 2 : factor <= 5 ? 5 : 10);
}

struct axis axis_over(const char *title, double low, double high, bool is_log)
{
    struct axis axis = {.title = title, .is_log = is_log};
    if (is_log) {
        low = low > 0 && isfinite(low) ? low : 1e-6;
        high = high > low && isfinite(high) ? high : low * 10;
        axis.low = low / 1.25;
        axis.high = high * 1.25;
        return axis;
    }
    low = isfinite(low) && low < 0 ? low : 0;
    high = isfinite(high) && high > low ? high : low + 1;
    double step = round_step(high - low, TICKS);
    axis.low = floor(low / step + 1e-9) * step;
    axis.high = ceil(high / step - 1e-9) * step;
    return axis;
}

struct axis axis_between(const char *title, double low, double high)
{
    double span = high > low ? high - low : fabs(high) > 0 ? fabs(high) : 1;
    double step = round_step(span, TICKS);
    return (struct axis){.title = title, .low = floor(low / step) * step, .high = (floor(high / step) + 1) * step};
}

/* Where value stands between the ends of the axis, 0 to 1. */
static double place_on(const struct axis *axis, double value)
{
    double share = axis->is_log ? (value > 0 ? log(value / axis->low) / log(axis->high / axis->low) : 0)
                                : (value - axis->low) / (axis->high - axis->low);
    return share < 0 ? 0 : share > 1 ? 1 : share;
}

/* The ticks of the axis: round values between its ends. Returns how many. */
static size_t find_ticks(const struct axis *axis, double ticks[TICKS_MAX])
{
    size_t n = 0;
    if (!axis->is_log) {
        double step = fmax(round_step(axis->high - axis->low, TICKS), axis->least_step);
        for (double i = ceil(axis->low / step - 1e-9); i * step <= axis->high + step * 1e-9 && n < TICKS_MAX; i++)
            ticks[n++] = i * step;
        return n;
    }
    static const double thirds[] = {1, 2, 5};
    bool is_wide = axis->high / axis->low > 300;
    for (double power = pow(10, floor(log10(axis->low))); power <= axis->high; power *= 10)
        for (size_t i = 0; i < (is_wide ? 1 : 3) && n < TICKS_MAX; i++)
            if (power * thirds[i] >= axis->low && power * thirds[i] <= axis->high)
                ticks[n++] = power * thirds[i];
    return n;
}

static double labelled(const struct axis *axis, double value)
{
    double scaled = value * (axis->scale > 0 ? axis->scale : 1);
    return fabs(scaled) < 1e-12 ? 0 : scaled; /* no "-0" */
}

static double x_of(const struct chart *chart, double x)
{
    return chart->left + place_on(&chart->x, x) * chart->width;
}

static double y_of(const struct chart *chart, double y)
{
    return chart->top + (1 - place_on(&chart->y, y)) * chart->height;
}

static void open_svg(struct buffer *out, double width, double height, const char *words)
{
    buffer_append_format(out, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"", width, height);
    html_append_text(out, words);
    buffer_append_text(out, "\">\n");
}

static void append_label(struct buffer *out, const char *css_class, double x, double y, const char *more, const char *text)
{
    buffer_append_format(out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\"%s>", css_class, x, y, more);
    html_append_text(out, text);
    buffer_append_text(out, "</text>\n");
}

static void append_rule(struct buffer *out, const char *css_class, double x1, double y1, double x2, double y2)
{
    buffer_append_format(out, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", css_class, x1, y1, x2, y2);
}

static void append_ticks_x(const struct chart *chart)
{
    double ticks[TICKS_MAX], bottom = chart->top + chart->height;
    size_t n = find_ticks(&chart->x, ticks);
    for (size_t i = 0; i < n; i++) {
        char text[32];
        double x = x_of(chart, ticks[i]);
        (void)snprintf(text, sizeof text, "%.4g", labelled(&chart->x, ticks[i]));
        append_rule(chart->out, "grid", x, chart->top, x, bottom);
        append_label(chart->out, "tick middle", x, bottom + 17, "", text);
    }
    append_label(chart->out, "title middle", chart->left + chart->width / 2, bottom + 38, "", chart->x.title);
}

static void append_ticks_y(const struct chart *chart)
{
    double ticks[TICKS_MAX], middle = chart->top + chart->height / 2;
    size_t n = find_ticks(&chart->y, ticks);
    for (size_t i = 0; i < n; i++) {
        char text[32];
        double y = y_of(chart, ticks[i]);
        (void)snprintf(text, sizeof text, "%.4g", labelled(&chart->y, ticks[i]));
        append_rule(chart->out, "grid", chart->left, y, chart->left + chart->width, y);
        append_label(chart->out, "tick end", chart->left - 7, y + 4, "", text);
    }
    char turn[64];
    (void)snprintf(turn, sizeof turn, " transform=\"rotate(-90 14 %.1f)\"", middle);
    append_label(chart->out, "title middle", 14, middle, turn, chart->y.title);
}

void chart_open(struct chart *chart, struct buffer *out, const char *words, struct axis x, struct axis y)
{
    *chart = (struct chart){
        .out = out, .x = x, .y = y, .left = LEFT, .top = TOP, .width = WIDTH - LEFT - RIGHT, .height = HEIGHT - TOP - BOTTOM};
    open_svg(out, WIDTH, HEIGHT, words);
    append_ticks_x(chart);
    append_ticks_y(chart);
    append_rule(out, "axis", chart->left, chart->top + chart->height, chart->left + chart->width, chart->top + chart->height);
}

void chart_line(const struct chart *chart, const char *css_class, const double x[], const double y[], size_t n)
{
    buffer_append_format(chart->out, "<polyline class=\"line %s\" points=\"", css_class);
    for (size_t i = 0; i < n; i++)
        if (isfinite(x[i]) && isfinite(y[i]))
            buffer_append_format(chart->out, "%.1f,%.1f ", x_of(chart, x[i]), y_of(chart, y[i]));
    buffer_append_text(chart->out, "\"/>\n");
}

void chart_point(const struct chart *chart, const char *css_class, double x, double y, double low, double high, const char *text)
{
    if (!isfinite(x) || !isfinite(y))
        return;
    buffer_append_format(chart->out, "<g class=\"%s\">", css_class);
    if (low < high)
        append_rule(chart->out, "whisker", x_of(chart, x), y_of(chart, low), x_of(chart, x), y_of(chart, high));
    buffer_append_format(chart->out, "<circle class=\"point\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"><title>", x_of(chart, x), y_of(chart, y));
    html_append_text(chart->out, text);
    buffer_append_text(chart->out, "</title></circle></g>\n");
}

void chart_close(const struct chart *chart)
{
    buffer_append_text(chart->out, "</svg>\n");
}

static void append_bar(const struct chart *chart, const struct bar *bar, double top, const char *value)
{
    struct buffer *out = chart->out;
    double middle = top + BAR_HEIGHT / 2, zero = x_of(chart, 0), end = x_of(chart, bar->value);
    append_label(out, "name end", chart->left - 8, middle + 4, "", bar->label);
    buffer_append_format(out, "<g class=\"%s\"><rect class=\"bar\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"2\"/>",
                         bar->css_class, end < zero ? end : zero, top + 6, fabs(end - zero), BAR_HEIGHT - 12);
    append_rule(out, "whisker", x_of(chart, bar->low), middle, x_of(chart, bar->high), middle);
    append_rule(out, "whisker", x_of(chart, bar->low), middle - 4, x_of(chart, bar->low), middle + 4);
    append_rule(out, "whisker", x_of(chart, bar->high), middle - 4, x_of(chart, bar->high), middle + 4);
    buffer_append_text(out, "</g>\n");
    append_label(out, "value end", WIDTH - 4, middle + 4, "", value);
}

void bars_append(struct buffer *out, const char *words, const char *axis_title, const struct bar bars[], size_t n_bars, double scale,
                 int digits, bool is_signed)
{
    double low = 0, high = 0, height = (double)n_bars * BAR_HEIGHT;
    for (size_t i = 0; i < n_bars; i++) {
        low = fmin(low, fmin(bars[i].value, bars[i].low));
        high = fmax(high, fmax(bars[i].value, bars[i].high));
    }
    struct chart chart = {.out = out, .x = axis_over(axis_title, low, high, false), .left = BAR_LEFT, .top = 4, .height = height};
    chart.x.scale = scale;
    chart.width = WIDTH - BAR_LEFT - BAR_RIGHT;
    open_svg(out, WIDTH, height + 50, words);
    append_ticks_x(&chart);
    for (size_t i = 0; i < n_bars; i++) {
        char value[32];
        (void)snprintf(value, sizeof value, "%s%.*f", is_signed && bars[i].value > 0 ? "+" : "", digits, bars[i].value * scale);
        append_bar(&chart, &bars[i], chart.top + (double)i * BAR_HEIGHT, value);
    }
    append_rule(out, "axis", x_of(&chart, 0), chart.top, x_of(&chart, 0), chart.top + height);
    buffer_append_text(out, "</svg>\n");
}
