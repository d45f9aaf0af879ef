/* Read, train, refit, write. The report has what the page and the terminal show: the curve, every category's pictures, and who is taken for
 * whom.
 */
#include "server/app/picture_retraining.h"

#include "core/base/clock.h"
#include "core/base/emit.h"
#include "core/base/workers.h"
#include "server/app/model_files.h"
#include "server/app/picture_data.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define REPORT_BYTES    (HEADER_MAX_BYTES / 4)
#define CONFUSION_MOST  64u /* categories; the picture of more is no picture */
#define PATH_BYTES      4160
#define ACCURACY_DIGITS 4 /* digits behind the point */

static void emit_curve(struct emit *emit, const struct picture_network *network)
{
    emit_open_array(emit, "curve");
    for (uint32_t e = 0; e < network->n_epochs; e++) {
        emit_open_object(emit, NULL);
        emit_integer(emit, "epoch", e + 1);
        emit_number(emit, "loss", network->curve[e].loss, 6);
        emit_number(emit, "accuracy", network->curve[e].accuracy, 6);
        emit_close_object(emit);
    }
    emit_close_array(emit);
}

/* Of each category the held-out pictures, how many of them were named right, and how many of other categories were taken for it. */
static void emit_categories(struct emit *emit, const struct picture_data *data, const uint32_t *confusion)
{
    uint32_t K = data->train.n_classes;
    emit_open_array(emit, "categories");
    for (uint32_t c = 0; c < K; c++) {
        uint64_t n = 0, given = 0;
        for (uint32_t k = 0; k < K; k++) {
            n += confusion[(size_t)c * K + k];
            given += confusion[(size_t)k * K + c];
        }
        emit_open_object(emit, NULL);
        emit_text(emit, "category", data->categories[c]);
        emit_integer(emit, "n_held_out", (int64_t)n);
        emit_integer(emit, "n_right", confusion[(size_t)c * K + c]);
        emit_integer(emit, "n_given", (int64_t)given);
        emit_close_object(emit);
    }
    emit_close_array(emit);
}

static void emit_confusion(struct emit *emit, uint32_t K, const uint32_t *confusion)
{
    emit_open_array(emit, "confusion");
    for (uint32_t c = 0; c < K; c++) {
        emit_open_array(emit, NULL);
        for (uint32_t k = 0; k < K; k++)
            emit_integer(emit, NULL, confusion[(size_t)c * K + k]);
        emit_close_array(emit);
    }
    emit_close_array(emit);
}

static enum status write_report(const struct picture_data *data, const struct picture_network *network, struct buffer *out,
                                struct error *error)
{
    struct emit emit;
    emit_init(&emit, out);
    emit_open_object(&emit, NULL);
    emit_integer(&emit, "n_left_out", data->n_left_out);
    emit_curve(&emit, network);
    emit_categories(&emit, data, network->figures.confusion);
    if (data->train.n_classes <= CONFUSION_MOST)
        emit_confusion(&emit, data->train.n_classes, network->figures.confusion);
    emit_close_object(&emit);
    return buffer_finish(out, error);
}

static enum status write_model(const char *models, const struct picture_query *query, const struct picture_data *data,
                               const struct picture_network *network, char out_version[FILE_VERSION_BYTES], struct error *error)
{
    SCOPED(buffer_clear) struct buffer report;
    const struct picture_figures *figures = &network->figures;
    buffer_init(&report, REPORT_BYTES);
    TRY(write_report(data, network, &report, error));
    struct picture_facts facts = {.origin = "trained",
                                  .preset = picture_preset_names[query->preset],
                                  .seed = query->seed,
                                  .n_pictures = data->train.n,
                                  .n_held_out = data->held_out.n,
                                  .is_refit = !query->no_refit,
                                  .epochs = network->chosen_epoch,
                                  .accuracy = figures->n ? (double)figures->n_right / figures->n : 0,
                                  .n_categories = data->train.n_classes,
                                  .categories = data->categories,
                                  .report = report.bytes};
    return picture_model_write(models, &facts, &network->layers, network->weights, out_version, error);
}

static enum status read_store(const char *directory, const struct progress *progress, char out_models[PATH_BYTES],
                              struct picture_data *out_data, struct error *error)
{
    SCOPED(store_close) struct store *store = NULL;
    TRY(store_open(directory, STORE_READ, &store, error));
    if ((size_t)snprintf(out_models, PATH_BYTES, "%s", store_models_directory(store)) >= PATH_BYTES)
        return fail(error, STATUS_LIMIT, "the path of the data directory is too long");
    if (mkdir(out_models, 0750) && errno != EEXIST)
        return fail(error, STATUS_IO, "cannot make %s: %s", out_models, strerror(errno));
    model_files_clean(out_models);
    return picture_data_read(store, progress, out_data, error);
}

static enum status say_accuracy(const struct picture_network *network, const struct progress *progress)
{
    char note[160];
    double seconds = 0;
    for (uint32_t e = 0; e < network->n_epochs; e++)
        seconds += network->curve[e].seconds;
    (void)snprintf(note, sizeof note, "%u epochs in %.0f s, chosen is number %u: %u of %u held-out pictures named right (%.*f)",
                   network->n_epochs, seconds, network->chosen_epoch, network->figures.n_right, network->figures.n, ACCURACY_DIGITS,
                   network->figures.n ? (double)network->figures.n_right / network->figures.n : 0);
    return progress_report(progress, "trained", 1, 1, note) ? STATUS_OK : STATUS_CONFLICT;
}

static enum status refit(const struct picture_data *data, const struct picture_settings *settings, uint64_t seed, struct workers *workers,
                         const struct progress *progress, struct picture_network *network, struct error *error)
{
    struct pictures all = picture_data_all(data);
    uint64_t began_ns = clock_monotonic_ns();
    char note[160];
    TRY(picture_training_refit(&all, settings, seed, workers, progress, network, error));
    (void)snprintf(note, sizeof note, "%u epochs in %.0f s on all %u pictures", network->chosen_epoch,
                   (double)(clock_monotonic_ns() - began_ns) / 1e9, all.n);
    return progress_report(progress, "refit", 1, 1, note) ? STATUS_OK : STATUS_CONFLICT;
}

enum status picture_retraining_run(const char *directory, const struct picture_query *query, const struct progress *progress,
                                   char out_version[FILE_VERSION_BYTES], struct error *error)
{
    SCOPED(picture_data_clear) struct picture_data data = {0};
    SCOPED(picture_network_clear) struct picture_network network = {0};
    SCOPED(workers_destroy) struct workers *workers = NULL;
    struct picture_settings settings = picture_settings_of(query->preset);
    char models[PATH_BYTES];
    TRY(read_store(directory, progress, models, &data, error));
    unsigned n_threads = query->n_threads ? query->n_threads : workers_processors();
    workers = workers_create(n_threads);
    if (!workers)
        return fail(error, STATUS_NOMEM, "cannot start %u threads", n_threads);
    picture_settings_fit(&settings, data.train.n);
    settings.epochs = query->epochs ? query->epochs : settings.epochs;
    TRY(picture_training_run(&data.train, &data.held_out, &settings, query->seed, workers, progress, &network, error));
    TRY(say_accuracy(&network, progress));
    if (!query->no_refit)
        TRY(refit(&data, &settings, query->seed, workers, progress, &network, error));
    return write_model(models, query, &data, &network, out_version, error);
}
