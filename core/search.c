/* The plan first: how many forms, how long a first round and how many runs to the end, so that all of it and the refit fit into the budget.
 * Forms that alone would not fit are left out, all but the cheapest. All seconds are as reckoned; what the clock leaves is divided by the
 * pace, so that a machine which is slower than reckoned has fewer of them. */
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
#define CLOCK_LEAST 0.8 /* of the epochs of a run to the end; where the clock leaves less, something is left out */
#define ENTRIES_MAX (FORMS_MAX + VARIATIONS_MAX)

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
    struct entry entries[ENTRIES_MAX]; /* forms, behind them variations of the best */
    struct entry *running[FORMS_MAX];  /* the better first */
    unsigned n_entries, n_running;
    unsigned n_finals, n_ended;            /* runs to the end: the best form's and so many less one of its variations; those behind us */
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

/* Seconds for the first n that are running, in rounds of halving, the next one up to so many epochs; *out_done: the epochs that the last
 * one has behind it then. */
static double rounds_seconds(const struct search *search, unsigned n, uint32_t until, uint32_t *out_done)
{
    double seconds = 0;
    *out_done = n > 0 ? search->running[0]->contender.n_epochs : 0;
    for (uint32_t last = 0; n > 1; n = (n + 1) / 2, last = until, until *= 2) {
        for (unsigned i = 0; i < n; i++) {
            uint32_t done = search->running[i]->contender.n_epochs > last ? search->running[i]->contender.n_epochs : last;
            seconds += search->running[i]->epoch_seconds * (until > done ? until - done : 0);
        }
        *out_done = until;
    }
    return seconds;
}

/* The runs to the end that are ahead, of the dearest of the first n, and the refit, each of a share of its epochs; the first one has so
 * many behind it. */
static double ends_seconds(const struct search *search, unsigned n, unsigned n_finals, uint32_t done, double share)
{
    double dearest = 0, epochs = share * search->final_epochs;
    for (unsigned i = 0; i < n; i++)
        dearest = fmax(dearest, search->running[i]->epoch_seconds);
    double of_first = search->n_ended == 0 ? fmax(epochs - done, 0) : 0;
    return dearest * (of_first + (n_finals - (search->n_ended > 1 ? search->n_ended : 1) + search->refit) * epochs);
}

static size_t plan_bytes(const struct search *search, unsigned n)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < n; i++)
        bytes += candidate_bytes(&search->running[i]->candidate.settings);
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

/* Of the forms there are, as many as fit with so many runs to the end, and the longest rounds with them. */
static bool fit(struct search *search, unsigned least_forms, unsigned n_finals)
{
    for (unsigned n = search->n_running; n >= least_forms && n > 0; n--) {
        uint32_t least = least_first_round(search, n), longest = longest_first_round(search, n);
        for (uint32_t first_round = longest > least ? longest : least; first_round >= least; first_round--) {
            uint32_t done;
            double rounds = rounds_seconds(search, n, first_round, &done);
            search->planned_seconds = rounds + ends_seconds(search, n, n_finals, done, 1);
            if (search->planned_seconds > seconds_to_spend(search) || (n > 1 && plan_bytes(search, n) > SEARCH_BYTES))
                continue;
            search->n_running = n;
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

static void add_form(struct search *search, const struct entry *entry)
{
    search->entries[search->n_entries] = *entry;
    search->running[search->n_running++] = &search->entries[search->n_entries++];
}

/* Forms that fit alone, and as much around them as fits. False: fewer than least_forms do. */
static bool plan_forms(struct search *search, const struct candidate forms[], unsigned n_forms, unsigned least_forms)
{
    search->n_entries = search->n_running = 0;
    for (unsigned i = 0; i < n_forms; i++) {
        struct entry entry = entry_of(search, &forms[i]);
        if (fits_alone(search, &entry) && (search->n_entries == 0 || search->final_epochs >= RACE_EPOCHS))
            add_form(search, &entry);
    }
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
    search->n_entries = search->n_running = 0;
    add_form(search, &cheapest);
    search->n_finals = 1;
    search->planned_seconds = ends_seconds(search, 1, 1, 0, 1);
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

/* --- the clock --- */

static double seconds_reckoned(const struct search *search)
{
    return seconds_to_spend(search) - search->spent_seconds;
}

/* How many times as long as reckoned an epoch takes here. A form's first one also takes memory into use, so it counts only where there is
 * no other. */
static double pace_of(const struct search *search)
{
    double first = 0, first_reckoned = 0, later = 0, later_reckoned = 0;
    for (unsigned i = 0; i < search->n_entries; i++) {
        const struct entry *entry = &search->entries[i];
        const struct contender *contender = &entry->contender;
        if (contender->n_epochs == 0)
            continue;
        first += contender->curve[0].seconds;
        first_reckoned += entry->epoch_seconds;
        later += contender->seconds - contender->curve[0].seconds;
        later_reckoned += entry->epoch_seconds * (contender->n_epochs - 1);
    }
    return later_reckoned > 0 ? later / later_reckoned : first_reckoned > 0 ? (first + later) / first_reckoned : 1;
}

/* What is left of the budget, as reckoned and as the clock has it, whichever is less. */
static double seconds_left(const struct search *search)
{
    if (search->plan->by_reckoning)
        return seconds_reckoned(search);
    double gone = (double)(clock_monotonic_ns() - search->began_ns) / 1e9;
    return fmin(seconds_reckoned(search), (seconds_to_spend(search) - gone) / pace_of(search));
}

/* Is there time for the next round, up to so many epochs of the first n, the rounds behind it, and behind them so many runs to a share of
 * their end? */
static bool has_time_for(const struct search *search, unsigned n, uint32_t until, unsigned n_finals, double share)
{
    uint32_t done;
    double rounds = rounds_seconds(search, n, until, &done);
    return rounds + ends_seconds(search, n, n_finals, done, share) <= seconds_left(search);
}

/* The first n go on, the others give back their memory. */
static void leave_out(struct search *search, unsigned n)
{
    for (unsigned i = n; i < search->n_running; i++)
        contender_give_up(&search->running[i]->contender);
    search->n_running = n;
}

/* How many of the forms, the better first and at least so many, there is time for; 0: not even for those. A run to the end more than
 * planned must not cost a form or an epoch. */
static unsigned forms_in_time(const struct search *search, unsigned least_forms, uint32_t until, unsigned n_finals)
{
    if (n_finals > search->n_finals)
        return has_time_for(search, search->n_running, until, n_finals, 1) ? search->n_running : 0;
    for (unsigned n = search->n_running; n >= least_forms; n--)
        if (has_time_for(search, n, until, n_finals, CLOCK_LEAST))
            return n;
    return 0;
}

/* As the plan was made, with the time that is left: where it has become too short, the last of the forms and of the runs to the end are
 * left out; where a run ended early there may be one more. least_forms > 0 have run in this round. */
static void adapt_plan(struct search *search, unsigned least_forms, uint32_t until)
{
    unsigned few = search->n_running < FEW_FORMS ? search->n_running : FEW_FORMS, least_finals = search->n_ended > 1 ? search->n_ended : 1;
    unsigned n_forms = 0, n_finals = 1 + VARIATIONS_MAX;
    for (; n_finals > least_finals && n_forms == 0; n_finals -= n_forms == 0)
        n_forms = forms_in_time(search, few > least_forms ? few : least_forms, until, n_finals);
    if (n_forms == 0)
        n_forms = forms_in_time(search, least_forms, until, least_finals);
    if (n_forms == 0)
        n_forms = least_forms;
    search->ran_out = search->ran_out || n_forms < search->n_running || n_finals < search->n_finals;
    search->n_finals = n_finals;
    leave_out(search, n_forms);
}

/* --- the rounds --- */

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

/* The better n stay, in their order. */
static void keep_best(struct search *search, unsigned n)
{
    for (unsigned i = 1; i < search->n_running; i++) { /* insertion: equal ones keep their order */
        struct entry *entry = search->running[i];
        unsigned place = i;
        for (; place > 0 && search->running[place - 1]->contender.best_ndcg10 < entry->contender.best_ndcg10; place--)
            search->running[place] = search->running[place - 1];
        search->running[place] = entry;
    }
    leave_out(search, n);
}

static enum status run_form(struct search *search, unsigned i, uint32_t until)
{
    char words[32];
    (void)snprintf(words, sizeof words, "form %u of %u,", i + 1, search->n_running);
    return run_entry(search, search->running[i], until, words);
}

/* The first form shows how fast this machine is while the first round may still become shorter. */
static enum status run_first(struct search *search)
{
    uint32_t least = least_first_round(search, search->n_running);
    TRY(run_form(search, 0, least));
    for (; search->first_round > least && !has_time_for(search, search->n_running, search->first_round, search->n_finals, 1);
         search->first_round--)
        search->ran_out = true;
    return STATUS_OK;
}

static enum status run_rounds(struct search *search)
{
    if (search->n_running > 1)
        TRY(run_first(search));
    for (uint32_t until = search->first_round; search->n_running > 1; until *= 2) {
        for (unsigned i = 0; i < search->n_running; i++) {
            TRY(run_form(search, i, until));
            search->running[i]->n_rounds++;
            adapt_plan(search, i + 1, until);
        }
        keep_best(search, (search->n_running + 1) / 2);
    }
    return STATUS_OK;
}

/* --- to the end --- */

/* Epochs up to which this run may go: those seconds are for it, for as many behind it, and for the refit of one. A variation that takes
 * half as long again as the best so far is not worth the wait, and if it is shorter the refit may be the best's. */
static uint32_t epochs_within(const struct search *search, const struct entry *entry, double seconds)
{
    double done = entry->contender.n_epochs, most = seconds / entry->epoch_seconds + done; /* were there nothing behind it */
    double epochs = most / (search->n_finals - search->n_ended + search->refit);
    if (search->n_ended > 0) {
        double of_best = search->running[0]->contender.n_epochs;
        epochs = fmin(epochs, fmin(1.5 * of_best, most - search->refit * of_best));
    }
    return (uint32_t)fmin(fmax(epochs, fmax(done, 1)), search->plan->settings.epochs);
}

/* Asked again it may find more time than it did before. */
static void set_end(struct search *search, struct entry *entry)
{
    uint32_t epochs = epochs_within(search, entry, seconds_left(search));
    search->ran_out = search->ran_out || epochs < epochs_within(search, entry, seconds_reckoned(search));
    entry->candidate.settings.epochs = entry->contender.settings.epochs = epochs;
}

/* Its settings first: the contender is made of them if it has not begun. */
static enum status run_to_end(struct search *search, struct entry *entry)
{
    char words[32];
    const struct contender *contender = &entry->contender;
    (void)snprintf(words, sizeof words, "run %u of %u,", search->n_ended + 1, search->n_finals);
    for (set_end(search, entry); !contender->is_over && contender->n_epochs < contender->settings.epochs; set_end(search, entry))
        TRY(run_entry(search, entry, contender->n_epochs + 1, words));
    entry->n_rounds++;
    contender_retire(&entry->contender);
    search->n_ended++;
    return STATUS_OK;
}

/* running[0] is the best so far. */
static enum status run_variations(struct search *search)
{
    struct candidate variations[VARIATIONS_MAX];
    unsigned n = candidates_variations(&search->running[0]->candidate.settings, variations);
    for (unsigned i = 0; i < n; i++) {
        search->final_epochs = search->running[0]->contender.n_epochs;
        adapt_plan(search, 1, 0);
        if (search->n_finals == search->n_ended)
            break;
        struct entry *entry = &search->entries[search->n_entries++];
        *entry = entry_of(search, &variations[i]);
        TRY(run_to_end(search, entry));
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
    TRY(run_to_end(&search, search.running[0]));
    TRY(run_variations(&search));
    emit_search(&search, out_report);
    *out_winner = search.running[0]->contender;
    search.running[0]->contender = (struct contender){0};
    return STATUS_OK;
}
