/* Picture report: what a picture model's file says of its training, read back for the terminal and the page. Another version may have
 * written it: what is missing is 0 or not there. Threads: any. */
#ifndef APP_PICTURE_REPORT_H
#define APP_PICTURE_REPORT_H

#include "core/picture_model.h"

struct picture_category {
    const char *name;    /* the model's */
    uint32_t n_held_out; /* pictures of it */
    uint32_t n_right;    /* of those, named so */
    uint32_t n_given;    /* named so, whatever they were */
};

/* How often pictures of one category were taken for another. */
struct mix_up {
    uint32_t category, taken_for, n;
};

struct picture_report {
    uint32_t n_categories;
    struct picture_category *categories;  /* [n_categories] */
    uint32_t *confusion;                  /* [n_categories, n_categories], a row the true category; NULL: not kept */
    uint32_t n_epochs, n_left_out;        /* pictures of the catalogue that were of no use */
    double *epochs, *losses, *accuracies; /* [n_epochs] */
};

/* STATUS_NOMEM. Borrows the model's texts. */
enum status picture_report_read(const struct picture_model *model, struct picture_report *out_report) MUST_CHECK;
void picture_report_clear(struct picture_report *report);
static inline void picture_report_clear_scoped(struct picture_report *report)
{
    picture_report_clear(report);
}

/* The most frequent ones first; returns how many (<= most). */
uint32_t picture_report_mix_ups(const struct picture_report *report, uint32_t most, struct mix_up out[]);

#endif
