/* The plan first: how many candidates and how long a first round, so that the rounds, the winner's way to its end and the refit fit into
 * the budget. Candidates that alone would not fit are left out, all but the cheapest. */
#include "core/search.h"

#include "core/base/clock.h"
#include "core/base/emit.h"
#include "core/candidates.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define FIRST_ROUND 4u /* epochs of the first round; each later one trains twice as far */

struct entry {
    struct candidate candidate;
    struct contender contender;
    double epoch_seconds;
    unsigned n_rounds;
};

struct search {
    const struct training_ground *ground;
    const struct training_plan *plan;
    const struct progress *progress;
    struct entry entries[CANDIDATES_MAX];
    struct entry *running[CANDIDATES_MAX]; /* the better first */
    unsigned n_entries, n_running;
    unsigned n_finalists;                  /* that run to their end */
    uint32_t first_round, final_epochs;    /* epochs that the winner is expected to take, and its refit again */
    double planned_seconds, spent_seconds; /* on the reference machine; spent_seconds: by the rounds so far */
    uint64_t began_ns;
    bool ran_out;
};

static void search_clear_scoped(struct search *search)
{
    for (unsigned i = 0; i < search->n_entries; i++)
        contender_clear(&search->entries[i].contender);
}

/* --- the plan --- */

static double epoch_seconds(const struct search *search, const struct candidate *candidate)
{
    return candidate_epoch_seconds(search->ground->sequences, search->ground->split->n_held_out, &candidate->settings);
}

/* Seconds for n candidates: halving rounds, the rest of the way of as many finalists of the dearest kind, the refit of one. */
static double plan_seconds(const struct search *search, unsigned n, unsigned n_finalists, uint32_t first_round)
{
    double seconds = 0, dearest = 0;
    uint32_t done = 0, until = first_round;
    for (unsigned left = n; left > n_finalists; left = (left + 1) / 2, done = until, until *= 2) {
        for (unsigned i = 0; i < left; i++)
            seconds += search->entries[i].epoch_seconds * (until - done);
    }
    for (unsigned i = 0; i < n; i++)
        dearest = search->entries[i].epoch_seconds > dearest ? search->entries[i].epoch_seconds : dearest;
    uint32_t rest = search->final_epochs > done ? search->final_epochs - done : 0;
    return seconds + dearest * (n_finalists * rest + (search->plan->refit ? search->final_epochs : 0));
}

static size_t plan_bytes(const struct search *search, unsigned n)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < n; i++)
        bytes += candidate_bytes(&search->entries[i].candidate.settings);
    return bytes;
}

/* The candidates that fit one by one, and of these as many, and as long a first round, as fit together. */
static void make_plan(struct search *search)
{
    struct candidate candidates[CANDIDATES_MAX];
    double budget = search->plan->budget_seconds;
    search->final_epochs = candidate_epochs(search->ground->sequences);
    unsigned n = candidates_make(search->ground->sequences, &search->plan->settings, candidates), cheapest = 0;
    for (unsigned i = 0; i < n; i++) {
        double seconds = epoch_seconds(search, &candidates[i]);
        cheapest = seconds < epoch_seconds(search, &candidates[cheapest]) ? i : cheapest;
        if (seconds * search->final_epochs * (search->plan->refit ? 2 : 1) <= budget)
            search->entries[search->n_entries++] = (struct entry){.candidate = candidates[i], .epoch_seconds = seconds};
    }
    if (search->n_entries == 0)
        search->entries[search->n_entries++] =
            (struct entry){.candidate = candidates[cheapest], .epoch_seconds = epoch_seconds(search, &candidates[cheapest])};
    search->first_round = FIRST_ROUND;
    while (search->n_entries > 1 && (plan_seconds(search, search->n_entries, 1, search->first_round) > budget ||
                                     plan_bytes(search, search->n_entries) > SEARCH_BYTES)) {
        bool is_shorter = search->first_round > 2 && plan_bytes(search, search->n_entries) <= SEARCH_BYTES;
        search->first_round -= is_shorter;
        search->n_entries -= !is_shorter;
    }
    search->n_finalists = search->n_entries > 1 && plan_seconds(search, search->n_entries, 2, search->first_round) <= budget ? 2 : 1;
    search->planned_seconds = plan_seconds(search, search->n_entries, search->n_finalists, search->first_round);
}

/* --- the rounds --- */

static bool is_out_of_time(struct search *search)
{
    double share = search->plan->refit ? 0.6 : 1; /* the refit wants its part */
    search->ran_out = search->ran_out || (double)(clock_monotonic_ns() - search->began_ns) / 1e9 > share * search->plan->budget_seconds;
    return search->ran_out;
}

static enum status run_entry(struct search *search, unsigned place, uint32_t until)
{
    struct entry *entry = search->running[place];
    uint32_t done = entry->contender.n_epochs;
    char words[48];
    if (!entry->contender.training && !entry->contender.is_over)
        TRY(contender_init(&entry->contender, search->ground, &entry->candidate.settings, NULL));
    (void)snprintf(words, sizeof words, "%u of %u, %.30s,", place + 1, search->n_running, entry->candidate.words);
    entry->n_rounds++;
    if (until < UINT32_MAX)
        search->spent_seconds += entry->epoch_seconds * (until > done ? until - done : 0);
    return contender_run(&entry->contender, search->ground, until > done ? until - done : 0, words, search->progress);
}

/* The better n_left stay, in their order; the others give back their memory. */
static void keep_best(struct search *search, unsigned n_left)
{
    for (unsigned i = 1; i < search->n_running; i++) { /* insertion: equal ones keep their order */
        struct entry *entry = search->running[i];
        unsigned place = i;
        for (; place > 0 && search->running[place - 1]->contender.best_ndcg10 < entry->contender.best_ndcg10; place--)
            search->running[place] = search->running[place - 1];
        search->running[place] = entry;
    }
    for (unsigned i = n_left; i < search->n_running; i++)
        contender_retire(&search->running[i]->contender);
    search->n_running = n_left;
}

/* Epochs up to which a finalist may go: what is left is for all of them, and for the refit of one along the same way. */
static uint32_t last_epoch(const struct search *search, const struct entry *finalist)
{
    double done = finalist->contender.n_epochs, left = search->plan->budget_seconds - search->spent_seconds;
    double shares = search->n_running + (search->plan->refit ? 1 : 0);
    double epochs = fmax((left / finalist->epoch_seconds + search->n_running * done) / shares, done + 1);
    return (uint32_t)fmin(epochs, search->plan->settings.epochs);
}

static enum status run_finalists(struct search *search)
{
    for (unsigned i = 0; i < search->n_running; i++) {
        struct entry *entry = search->running[i];
        entry->candidate.settings.epochs = entry->contender.settings.epochs = last_epoch(search, entry); /* it may not have begun */
    }
    for (unsigned i = 0; i < search->n_running; i++)
        TRY(run_entry(search, i, UINT32_MAX));
    keep_best(search, 1);
    return STATUS_OK;
}

static enum status run_rounds(struct search *search)
{
    for (uint32_t until = search->first_round; search->n_running > search->n_finalists && !is_out_of_time(search); until *= 2) {
        for (unsigned i = 0; i < search->n_running; i++)
            TRY(run_entry(search, i, until));
        keep_best(search, (search->n_running + 1) / 2);
    }
    if (search->ran_out)
        keep_best(search, 1);
    return run_finalists(search);
}

/* --- what is said about it --- */

static void emit_search(const struct search *search, struct buffer *out)
{
    struct emit emit;
    emit_init(&emit, out);
    emit_open_object(&emit, NULL);
    emit_number(&emit, "budget_seconds", search->plan->budget_seconds, 6);
    emit_number(&emit, "planned_seconds", search->planned_seconds, 6);
    emit_boolean(&emit, "ran_out_of_time", search->ran_out);
    emit_text(&emit, "chosen", search->running[0]->candidate.words);
    emit_open_array(&emit, "tried");
    for (unsigned i = 0; i < search->n_entries; i++) {
        const struct entry *entry = &search->entries[i];
        emit_open_object(&emit, NULL);
        emit_text(&emit, "settings", entry->candidate.words);
        emit_integer(&emit, "rounds", entry->n_rounds);
        emit_integer(&emit, "epochs", entry->contender.n_epochs);
        emit_number(&emit, "ndcg10", entry->contender.best_ndcg10, 6);
        emit_close_object(&emit);
    }
    emit_close_array(&emit);
    emit_close_object(&emit);
}

enum status search_run(const struct training_ground *ground, const struct training_plan *plan, const struct progress *progress,
                       struct contender *out_winner, struct buffer *out_report)
{
    SCOPED(search_clear) struct search search = {.ground = ground, .plan = plan, .progress = progress, .began_ns = clock_monotonic_ns()};
    make_plan(&search);
    for (unsigned i = 0; i < search.n_entries; i++)
        search.running[search.n_running++] = &search.entries[i];
    TRY(run_rounds(&search));
    emit_search(&search, out_report);
    *out_winner = search.running[0]->contender;
    search.running[0]->contender = (struct contender){0};
    return STATUS_OK;
}
