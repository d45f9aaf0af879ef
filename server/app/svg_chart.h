/* SVG charts: axes with round ticks, lines, points with intervals, and bars, as one self-contained <svg> each. Colours are classes; the
 * page's style sheet says what they are (server/app/page_style.c), so a chart is right on light and on dark.
 *
 * Values beyond the axes are drawn at their edge; what is not finite is left out. Texts are escaped here. Threads: one at a time. */
#ifndef APP_SVG_CHART_H
#define APP_SVG_CHART_H

#include "core/base/buffer.h"

struct axis {
    const char *title; /* with its unit */
    double low, high;  /* high > low; low > 0 if it is logarithmic */
    bool is_log;
    double scale;      /* what tick labels multiply by: 100 for percent; 0 counts as 1 */
    double least_step; /* between ticks: 1 for things that are counted; 0: any */
};

struct chart {
    struct buffer *out;
    struct axis x, y;
    double left, top, width, height; /* of the plot */
};

/* An axis from 0 (or, logarithmic, a round value below low) to a round value above high. */
struct axis axis_over(const char *title, double low, double high, bool is_log);

/* An axis from a round value below low to one above high, for curves whose zero says nothing. */
struct axis axis_between(const char *title, double low, double high);

/* Open a chart of 460 x 300 with both axes; words tell what is seen to those who cannot see it. */
void chart_open(struct chart *chart, struct buffer *out, const char *words, struct axis x, struct axis y);
void chart_line(const struct chart *chart, const char *css_class, const double x[], const double y[], size_t n);
/* A point with its interval in y (low = high: none) and a text that appears when it is pointed at. */
void chart_point(const struct chart *chart, const char *css_class, double x, double y, double low, double high, const char *text);
void chart_close(const struct chart *chart);

struct bar {
    const char *label, *css_class;
    double value, low, high; /* with its interval */
};

/* A whole chart of horizontal bars from 0, each with its interval and its value in figures. Values may be negative; is_signed writes a plus
 * before the others. scale and digits: of the figures. */
void bars_append(struct buffer *out, const char *words, const char *axis_title, const struct bar bars[], size_t n_bars, double scale,
                 int digits, bool is_signed);

#endif
