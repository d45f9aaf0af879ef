/* The plan first: how many forms, how long a first round and how many runs to the end, so that all of it and the refit fit into the budget.
 * Forms that alone would not fit are left out, all but the cheapest. */
#include "core/search.h"

#include "core/base/clock.h"
#include "core/base/emit.h"
#include "core/candidates.h"
#include "core/drift.h"
#include "core/order.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define FIRST_ROUND 4u  /* epochs of the first round, if there is time; more where few forms are left */
#define FAIR_EPOCHS 5u  /* before so many the quicker of two forms is ahead, whichever ends higher */
#define RACE_EPOCHS 8u  /* where a run to the end has fewer, half of it says nothing: one form has all of them */
#define FEW_FORMS   4u  /* the others are left out before another dropout is */
#define CLOCK_LEAST 0.8 /* of what a plan has behind the rounds; where the clock leaves less, the rounds are over */
#define ENTRIES_MAX (FORMS_MAX + VARIATIONS_MAX)

struct entry {
    struct candidate candidate;
    struct contender contender;
    double epoch_seconds;
    uint32_t last_epoch; /* up to which its run to the end may go, by reckoning */
    unsigned n_rounds;
};

struct search {
    const struct training_ground *ground;
    const struct training_plan *plan;
    const struct progress *progress;
    struct entry entries[ENTRIES_MAX]; /* forms, behind them variations of the best */
    struct entry *running[FORMS_MAX];  /* the better first */
    unsigned n_entries, n_running;
    unsigned n_finals;                     /* runs to the end: the best form's and so many less one of its variations */
    uint32_t first_round, final_epochs;    /* epochs that a run to the end is expected to take, and the refit again */
    double planned_seconds, spent_seconds; /* as reckoned */
    double refit;                          /* how many times as long an epoch of the refit takes, which sees more; 0: there is none */
    struct traits traits;
    bool has_reach; /* some of the forms */
    uint64_t began_ns;
    bool ran_out;
};

static void search_clear_scoped(struct search *search)
{
    for (unsigned i = 0; i < search->n_entries; i++)
        contender_clear(&search->entries[i].contender);
}

/* --- the plan --- */

static enum status find_traits(const struct training_ground *ground, struct traits *out_traits)
{
    *out_traits = (struct traits){0};
    TRY(order_reversibility(ground->sequences, &out_traits->reversibility));
    if (ground->split->kind == SPLIT_TIME)
        TRY(drift_of(ground->sequences, ground->dataset->n_items, &out_traits->drift));
    return STATUS_OK;
}

static double refit_of(const struct training_ground *ground)
{
    const struct dataset *dataset = ground->dataset;
    uint64_t n_trained = 0;
    for (uint32_t user = 0; user < dataset->n_users; user++)
        n_trained += ground->split->train_ends[user] - dataset->starts[user];
    return (double)dataset->n_events / fmax((double)n_trained, 1);
}

static double seconds_to_spend(const struct search *search)
{
    return SEARCH_SHARE * search->plan->budget_seconds;
}

static struct entry entry_of(const struct search *search, const struct candidate *candidate)
{
    const struct training_ground *ground = search->ground;
    double seconds = candidate_epoch_seconds(ground->sequences, ground->split->n_held_out, &candidate->settings);
    return (struct entry){.candidate = *candidate, .epoch_seconds = seconds};
}

/* How often a first round of n forms is doubled until two are left: the last round. */
static unsigned doublings_of(unsigned n)
{
    unsigned n_doublings = 0;
    for (; n > 2; n = (n + 1) / 2)
        n_doublings++;
    return n_doublings;
}

/* Seconds for n forms in rounds of halving; *out_done: the epochs that the last one has behind it then. */
static double rounds_seconds(const struct search *search, unsigned n, uint32_t first_round, uint32_t *out_done)
{
    double seconds = 0;
    uint32_t done = 0, until = first_round;
    for (unsigned left = n; left > 1; left = (left + 1) / 2, done = until, until *= 2) {
        for (unsigned i = 0; i < left; i++)
            seconds += search->entries[i].epoch_seconds * (until - done);
    }
    *out_done = done;
    return seconds;
}

/* The same with so many runs to the end of the dearest, and the refit. */
static double plan_seconds(const struct search *search, unsigned n, unsigned n_finals, uint32_t first_round)
{
    double dearest = 0;
    uint32_t done;
    double seconds = rounds_seconds(search, n, first_round, &done);
    for (unsigned i = 0; i < n; i++)
        dearest = fmax(dearest, search->entries[i].epoch_seconds);
    uint32_t rest = search->final_epochs > done ? search->final_epochs - done : 0;
    return seconds + dearest * (rest + (n_finals - 1 + search->refit) * search->final_epochs);
}

static size_t plan_bytes(const struct search *search, unsigned n)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < n; i++)
        bytes += candidate_bytes(&search->entries[i].candidate.settings);
    return bytes;
}

/* Epochs of the first round: the last one ends after FAIR_EPOCHS (half of a run to the end, if that is less), and where some forms have a
 * reach, which makes them slow at first, so does the first one. */
static uint32_t least_first_round(const struct search *search, unsigned n)
{
    uint32_t fair = search->final_epochs / 2 < FAIR_EPOCHS ? search->final_epochs / 2 : FAIR_EPOCHS;
    unsigned doubled = search->has_reach ? 0 : doublings_of(n);
    return (fair + (1u << doubled) - 1) >> doubled;
}

/* Each round goes twice as far as the one before it, the last one two thirds of the way to the end: nearer to it, it would be a run to the
 * end itself. */
static uint32_t longest_first_round(const struct search *search, unsigned n)
{
    uint32_t longest = search->final_epochs * 2 / 3 >> doublings_of(n);
    return longest > FIRST_ROUND ? longest : FIRST_ROUND;
}

/* Of the n forms there are, as many as fit with so many runs to the end, and the longest rounds with them. */
static bool fit(struct search *search, unsigned least_forms, unsigned n_finals)
{
    for (unsigned n = search->n_entries; n >= least_forms && n > 0; n--) {
        uint32_t least = least_first_round(search, n), longest = longest_first_round(search, n);
        for (uint32_t first_round = longest > least ? longest : least; first_round >= least; first_round--) {
            search->planned_seconds = plan_seconds(search, n, n_finals, first_round);
            if (search->planned_seconds > seconds_to_spend(search) || (n > 1 && plan_bytes(search, n) > SEARCH_BYTES))
                continue;
            search->n_entries = n;
            search->n_finals = n_finals;
            search->first_round = first_round;
            return true;
        }
    }
    return false;
}

/* To its end, and the refit. */
static bool fits_alone(const struct search *search, const struct entry *entry)
{
    return entry->epoch_seconds * search->final_epochs * (1 + search->refit) <= seconds_to_spend(search);
}

/* Forms that fit alone, and as much around them as fits. False: fewer than least_forms do. */
static bool plan_forms(struct search *search, const struct candidate forms[], unsigned n_forms, unsigned least_forms)
{
    search->n_entries = 0;
    for (unsigned i = 0; i < n_forms; i++) {
        struct entry entry = entry_of(search, &forms[i]);
        if (fits_alone(search, &entry))
            search->entries[search->n_entries++] = entry;
    }
    if (search->final_epochs < RACE_EPOCHS && search->n_entries > 1)
        search->n_entries = 1;
    for (unsigned n_finals = 1 + VARIATIONS_MAX; n_finals > 0; n_finals--)
        if (fit(search, n_finals > 1 ? FEW_FORMS : least_forms, n_finals))
            return true;
    return false;
}

static void plan_cheapest(struct search *search, const struct candidate forms[], unsigned n_forms)
{
    struct entry cheapest = entry_of(search, &forms[0]);
    for (unsigned i = 1; i < n_forms; i++) {
        struct entry entry = entry_of(search, &forms[i]);
        if (entry.epoch_seconds < cheapest.epoch_seconds)
            cheapest = entry;
    }
    search->entries[0] = cheapest;
    search->n_entries = search->n_finals = 1;
    search->planned_seconds = plan_seconds(search, 1, 1, 0);
}

/* Before the most promising form makes way for a narrow one it gives up epochs, down to half: the last ones bring little (Diginetica,
 * RESULTS.md: .1842 after five, .1854 after eight). And before that it rather runs alone. */
static void make_plan(struct search *search)
{
    struct candidate forms[FORMS_MAX];
    unsigned n = candidates_forms(search->ground->sequences, &search->traits, &search->plan->settings, forms);
    for (unsigned i = 0; i < n; i++)
        search->has_reach = search->has_reach || forms[i].settings.reach > 0;
    struct entry promising = entry_of(search, &forms[0]);
    uint32_t epochs = candidate_epochs(search->ground->sequences);
    for (unsigned least_forms = 2; least_forms > 0; least_forms--) {
        for (uint32_t quarters = 4; quarters >= 2; quarters--) {
            search->final_epochs = epochs * quarters / 4;
            if (fits_alone(search, &promising) && plan_forms(search, forms, n, least_forms))
                return;
        }
    }
    search->final_epochs = epochs;
    if (!plan_forms(search, forms, n, 1))
        plan_cheapest(search, forms, n);
}

/* --- the rounds --- */

static double seconds_gone(const struct search *search)
{
    return (double)(clock_monotonic_ns() - search->began_ns) / 1e9;
}

static bool is_out_of_time(struct search *search)
{
    double share = search->plan->refit ? 0.6 : 1; /* the refit wants its part */
    bool is_late = !search->plan->by_reckoning && seconds_gone(search) > share * search->plan->budget_seconds;
    search->ran_out = search->ran_out || is_late;
    return search->ran_out;
}

/* Is this machine so much slower than reckoned that, of what the plan has behind the rounds, less than CLOCK_LEAST would be left? */
static bool is_behind(struct search *search)
{
    uint32_t done;
    double pace = seconds_gone(search) / fmax(search->spent_seconds, 1e-9);
    double rounds = rounds_seconds(search, search->n_entries, search->first_round, &done);
    bool is_short =
        !search->plan->by_reckoning && seconds_to_spend(search) / pace - rounds < CLOCK_LEAST * (search->planned_seconds - rounds);
    search->ran_out = search->ran_out || is_short;
    return is_short;
}

/* Up to so many epochs in all, of as many as its settings allow. words stand in the progress's note. */
static enum status run_entry(struct search *search, struct entry *entry, uint32_t until, const char *words)
{
    struct contender *contender = &entry->contender;
    if (!contender->training && !contender->is_over)
        TRY(contender_init(contender, search->ground, &entry->candidate.settings));
    uint32_t done = contender->n_epochs;
    TRY(contender_run(contender, search->ground, until > done ? until - done : 0, words, search->progress));
    search->spent_seconds += entry->epoch_seconds * (contender->n_epochs - done);
    return STATUS_OK;
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
        contender_give_up(&search->running[i]->contender);
    search->n_running = n_left;
}

static enum status run_rounds(struct search *search)
{
    for (unsigned i = 0; i < search->n_entries; i++)
        search->running[search->n_running++] = &search->entries[i];
    for (uint32_t until = search->first_round; search->n_running > 1 && !is_out_of_time(search); until *= 2) {
        for (unsigned i = 0; i < search->n_running && !(i > 0 && is_behind(search)); i++) {
            char words[32];
            (void)snprintf(words, sizeof words, "form %u of %u,", i + 1, search->n_running);
            TRY(run_entry(search, search->running[i], until, words));
            search->running[i]->n_rounds++;
        }
        keep_best(search, search->ran_out ? 1 : (search->n_running + 1) / 2);
    }
    keep_best(search, 1);
    return STATUS_OK;
}

/* --- to the end --- */

/* Epochs up to which this run may go: what is left is for it, for as many behind it, and for the refit of one. A variation that takes half
 * as long again as the best so far is not worth the wait. */
static uint32_t last_epoch(const struct search *search, const struct entry *entry, unsigned n_behind)
{
    double done = entry->contender.n_epochs, left = seconds_to_spend(search) - search->spent_seconds;
    double epochs = (left / entry->epoch_seconds + done) / (1 + n_behind + search->refit);
    if (entry != search->running[0])
        epochs = fmin(epochs, 1.5 * search->running[0]->contender.n_epochs);
    return (uint32_t)fmin(fmax(epochs, done + 1), search->plan->settings.epochs);
}

static void end_with(struct entry *entry, uint32_t epochs)
{
    entry->candidate.settings.epochs = entry->contender.settings.epochs = epochs;
}

/* As the clock has it; the first one also takes memory into use, so it counts only where there is no other. */
static double epoch_seconds_of(const struct contender *contender)
{
    uint32_t n = contender->n_epochs;
    return n > 1 ? (contender->seconds - contender->curve[0].seconds) / (n - 1) : contender->seconds;
}

/* Where epochs take longer than reckoned: an earlier end, so that the clock leaves time for the refit of this run or of the best so far,
 * whichever is longer. Asked again it may find more time than it did before. */
static void heed_clock(struct search *search, struct entry *entry)
{
    if (search->plan->by_reckoning)
        return;
    const struct contender *contender = &entry->contender;
    double done = contender->n_epochs, left = seconds_to_spend(search) - seconds_gone(search);
    double most = left / epoch_seconds_of(contender) + done; /* epochs, were there no refit */
    double epochs = most / (1 + search->refit);
    if (entry != search->running[0])
        epochs = fmin(epochs, most - search->refit * search->running[0]->contender.n_epochs);
    search->ran_out = search->ran_out || epochs < entry->last_epoch;
    end_with(entry, (uint32_t)fmin(fmax(epochs, done), entry->last_epoch));
}

/* Its settings first: the contender is made of them if it has not begun. */
static enum status run_to_end(struct search *search, struct entry *entry, unsigned number)
{
    char words[32];
    const struct contender *contender = &entry->contender;
    (void)snprintf(words, sizeof words, "run %u of %u,", number + 1, search->n_finals);
    entry->last_epoch = last_epoch(search, entry, search->n_finals - 1 - number);
    end_with(entry, entry->last_epoch);
    if (contender->n_epochs > 0)
        heed_clock(search, entry);
    while (!contender->is_over && contender->n_epochs < contender->settings.epochs) {
        TRY(run_entry(search, entry, contender->n_epochs + 1, words));
        heed_clock(search, entry);
    }
    entry->n_rounds++;
    contender_retire(&entry->contender);
    return STATUS_OK;
}

/* running[0] is the best so far. */
static enum status run_variations(struct search *search)
{
    struct candidate variations[VARIATIONS_MAX];
    unsigned n = candidates_variations(&search->running[0]->candidate.settings, variations);
    search->n_finals = n + 1 < search->n_finals ? n + 1 : search->n_finals;
    for (unsigned i = 1; i < search->n_finals && !is_out_of_time(search); i++) {
        struct entry *entry = &search->entries[search->n_entries++];
        *entry = entry_of(search, &variations[i - 1]);
        TRY(run_to_end(search, entry, i));
        search->running[search->n_running++] = entry;
        keep_best(search, 1);
    }
    return STATUS_OK;
}

/* --- what is said about it --- */

static void emit_search(const struct search *search, struct buffer *out)
{
    struct emit emit;
    emit_init(&emit, out);
    emit_open_object(&emit, NULL);
    emit_number(&emit, "budget_seconds", search->plan->budget_seconds, 6);
    emit_number(&emit, "planned_seconds", search->planned_seconds, 6);
    emit_number(&emit, "spent_seconds", search->spent_seconds, 6);
    emit_boolean(&emit, "ran_out_of_time", search->ran_out);
    emit_number(&emit, "reversibility", search->traits.reversibility, 3);
    emit_number(&emit, "drift", search->traits.drift, 3);
    emit_text(&emit, "chosen", search->running[0]->candidate.words);
    emit_open_array(&emit, "tried");
    for (unsigned i = 0; i < search->n_entries; i++) {
        const struct entry *entry = &search->entries[i];
        if (entry->contender.n_epochs == 0)
            continue; /* the clock left it out */
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
    search.refit = plan->refit ? refit_of(ground) : 0;
    TRY(find_traits(ground, &search.traits));
    make_plan(&search);
    TRY(run_rounds(&search));
    TRY(run_to_end(&search, search.running[0], 0));
    TRY(run_variations(&search));
    emit_search(&search, out_report);
    *out_winner = search.running[0]->contender;
    search.running[0]->contender = (struct contender){0};
    return STATUS_OK;
}
