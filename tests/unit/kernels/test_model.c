/* The model file: what was written comes back, and whatever is wrong with a file is refused with a reason. */
#include "planted_data.h"

#include "core/base/node.h"
#include "core/model_file.h"
#include "core/model_header.h"
#include "kernel_arguments.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A trained model in a directory, and its file in memory. */
struct fixture {
    struct planted planted;
    char version[MODEL_VERSION_BYTES];
    char path[128], spoiled[128];
    unsigned char *bytes;
    size_t n_bytes;
};

static void fixture_init(struct fixture *fixture, float temperature)
{
    planted_init(&fixture->planted, 60);
    fixture->planted.settings.epochs = 2;
    fixture->planted.settings.shape.width = 8;
    fixture->planted.settings.shape.temperature = temperature;
    (void)snprintf(fixture->path, sizeof fixture->path, "%s", planted_train(&fixture->planted, fixture->version));
    (void)snprintf(fixture->spoiled, sizeof fixture->spoiled, "%s/spoiled", fixture->planted.directory);
    FILE *file = fopen(fixture->path, "rb");
    struct stat facts;
    cr_assert(file && fstat(fileno(file), &facts) == 0);
    fixture->n_bytes = (size_t)facts.st_size;
    fixture->bytes = malloc(fixture->n_bytes);
    cr_assert(fixture->bytes && fread(fixture->bytes, 1, fixture->n_bytes, file) == fixture->n_bytes);
    (void)fclose(file);
}

static void fixture_clear(struct fixture *fixture)
{
    free(fixture->bytes);
    planted_clear(&fixture->planted);
}

static enum status open_spoiled(const struct fixture *fixture, struct error *error)
{
    struct model *model = NULL;
    *error = (struct error){.detail = ""};
    enum status status = model_open(fixture->spoiled, &model, error);
    cr_assert(status == STATUS_OK || (!model && error->detail[0]), "a refusal needs a reason and no model");
    model_close(model);
    return status;
}

static enum status open_bytes(const struct fixture *fixture, const void *bytes, size_t n_bytes, struct error *error)
{
    FILE *file = fopen(fixture->spoiled, "wb");
    cr_assert(file && fwrite(bytes, 1, n_bytes, file) == n_bytes);
    (void)fclose(file);
    return open_spoiled(fixture, error);
}

static struct model *open_model(const char *path)
{
    struct model *model = NULL;
    struct error error = {.detail = ""};
    cr_assert(model_open(path, &model, &error) == STATUS_OK, "%s", error.detail);
    return model;
}

Test(model, comes_back_as_it_was_written)
{
    struct fixture fixture;
    fixture_init(&fixture, 0);
    struct model *model = open_model(fixture.path);
    const struct model_facts *facts = model_facts(model);
    cr_assert_str_eq(facts->version, fixture.version);
    cr_assert_eq(facts->shape.n_items, PLANTED_ITEMS);
    cr_assert_eq(facts->shape.n_types, 3);
    cr_assert_eq(facts->shape.width, 8);
    cr_assert_eq(facts->shape.taps, 4);
    cr_assert_eq(facts->shape.history, 10);
    cr_assert_eq(facts->seed, 1);
    cr_assert_str_eq(facts->split, "last");
    cr_assert_eq(facts->first_at_ms, fixture.planted.dataset->first_at_ms);
    cr_assert_eq(facts->last_at_ms, fixture.planted.dataset->last_at_ms);
    cr_assert_eq(facts->n_held_out, fixture.planted.split->n_held_out);
    for (uint32_t item = 0; item < PLANTED_ITEMS; item++)
        cr_assert_str_eq(model_item_id(model, item), fixture.planted.item_ids[item]);
    model_close(model);
    fixture_clear(&fixture);
}

Test(model, figures_of_the_file_are_those_of_evaluation)
{
    struct fixture fixture;
    fixture_init(&fixture, .2f);
    struct model *model = open_model(fixture.path);
    struct model_content content = {0};
    struct error error;
    cr_assert(model_file_read(fixture.path, &content, &error) == STATUS_OK);
    cr_assert_eq(memcmp(&content.header.facts.figures, &model_facts(model)->figures, sizeof content.header.facts.figures), 0);
    cr_assert_gt(model_facts(model)->figures[METHOD_ENCODER].hr20, 0);
    model_content_clear(&content);
    model_close(model);
    fixture_clear(&fixture);
}

Test(model, facts_are_one_json_object)
{
    struct fixture fixture;
    fixture_init(&fixture, 0);
    struct model *model = open_model(fixture.path);
    struct buffer text;
    struct error error;
    buffer_init(&text, 1 << 16);
    model_facts_write(model_facts(model), &text);
    struct node *facts = NULL;
    cr_assert(node_parse(text.bytes, text.n_bytes, &facts, &error) == STATUS_OK, "%s", error.detail);
    cr_assert_str_eq(node_text(node_get(facts, "version"), NULL), fixture.version);
    cr_assert_eq(node_integer(node_get(node_get(facts, "shape"), "n_items")), PLANTED_ITEMS);
    for (unsigned m = 0; m < METHODS; m++)
        cr_assert(node_get(node_get(node_get(facts, "figures"), method_names[m]), "ndcg10"), "%s", method_names[m]);
    node_destroy(facts);
    buffer_clear(&text);
    model_close(model);
    fixture_clear(&fixture);
}

Test(model, is_refused_when_cut_anywhere)
{
    struct fixture fixture;
    struct error error;
    fixture_init(&fixture, 0);
    for (size_t n = 0; n < fixture.n_bytes; n += n < 64 ? 1 : 31)
        cr_assert_eq(open_bytes(&fixture, fixture.bytes, n, &error), STATUS_CORRUPT, "%zu of %zu bytes", n, fixture.n_bytes);
    cr_assert_eq(open_bytes(&fixture, fixture.bytes, fixture.n_bytes, &error), STATUS_OK);
    fixture_clear(&fixture);
}

Test(model, is_refused_with_any_bit_flipped)
{
    struct fixture fixture;
    struct error error;
    uint64_t length;
    fixture_init(&fixture, .1f);
    memcpy(&length, fixture.bytes, sizeof length);
    cr_assert_eq(open_bytes(&fixture, fixture.bytes, fixture.n_bytes, &error), STATUS_OK);
    int file = open(fixture.spoiled, O_WRONLY); /* a byte at a time: a file that is written anew, again and again, waits for the disk */
    cr_assert(file >= 0);
    /* two bits of every byte of the header (one of them would turn a letter into its capital), one of every seventh byte behind it */
    for (size_t i = 0; i < fixture.n_bytes; i += i < 8 + length ? 1 : 7) {
        const unsigned bits[] = {(unsigned)(i % 8), 5};
        for (unsigned b = 0; b < (i < 8 + length ? 2 : 1); b++) {
            unsigned char flipped = fixture.bytes[i] ^ (unsigned char)(1u << bits[b]);
            cr_assert_eq(pwrite(file, &flipped, 1, (off_t)i), 1);
            cr_assert_eq(open_spoiled(&fixture, &error), STATUS_CORRUPT, "bit %u of byte %zu (header ends at %zu)", bits[b], i,
                         (size_t)(8 + length));
            cr_assert_eq(pwrite(file, &fixture.bytes[i], 1, (off_t)i), 1);
        }
    }
    cr_assert_eq(open_spoiled(&fixture, &error), STATUS_OK, "and as it was it is good again");
    (void)close(file);
    fixture_clear(&fixture);
}

Test(model, is_refused_with_bytes_behind_its_end)
{
    struct fixture fixture;
    struct error error;
    fixture_init(&fixture, 0);
    unsigned char *longer = calloc(fixture.n_bytes + 1, 1);
    memcpy(longer, fixture.bytes, fixture.n_bytes);
    cr_assert_eq(open_bytes(&fixture, longer, fixture.n_bytes + 1, &error), STATUS_CORRUPT);
    free(longer);
    fixture_clear(&fixture);
}

/* A file with this header and n_data zero bytes. */
static enum status open_header(const struct fixture *fixture, const char *header, size_t n_data, struct error *error)
{
    uint64_t length = strlen(header);
    char *bytes = calloc(8 + length + n_data, 1);
    cr_assert(bytes);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, header, length);
    enum status status = open_bytes(fixture, bytes, 8 + length + n_data, error);
    free(bytes);
    return status;
}

Test(model, foreign_files_are_refused_with_a_reason)
{
    struct fixture fixture;
    struct error error;
    fixture_init(&fixture, 0);
    const char *const headers[] = {
        "{}",
        "[]",
        "[1",
        "null",
        "\"text\"",
        "{\"__metadata__\": 1}",
        "{\"__metadata__\": {\"format\": \"pt\"}}",
        "{\"weight\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 8]}}",
        "{\"__metadata__\": {\"format\": \"behaviour-encoder 1\"}}",
        ("{\"__metadata__\": {\"format\": \"behaviour-encoder 1\", \"facts\": \"{\", \"settings\": \"\", \"facts_checksum\": \"\", "
         "\"checksum\": \"\"}}"),
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        cr_assert_eq(open_header(&fixture, headers[i], 8, &error), STATUS_CORRUPT, "%s", headers[i]);
    const unsigned char huge[16] = {0, 0, 0, 0, 0, 0, 0, 1};
    cr_assert_eq(open_bytes(&fixture, huge, sizeof huge, &error), STATUS_CORRUPT);
    const unsigned char most[16] = {255, 255, 255, 255, 255, 255, 255, 255};
    cr_assert_eq(open_bytes(&fixture, most, sizeof most, &error), STATUS_CORRUPT);
    fixture_clear(&fixture);
}

/* Read the model's facts with other returns in them ("": without any). */
static enum status read_with_returns(const struct model_facts *facts, const char *returns, struct model_header *out, struct error *error)
{
    SCOPED(buffer_clear) struct buffer text, changed;
    struct error reason;
    buffer_init(&text, HEADER_MAX_BYTES);
    buffer_init(&changed, HEADER_MAX_BYTES);
    model_facts_emit(facts, false, &text);
    buffer_append(&text, "", 1);
    cr_assert_eq(buffer_finish(&text, &reason), STATUS_OK);
    const char *all = (const char *)text.bytes, *first = strstr(all, "\"returns\""), *end = strchr(first, ']') + 2;
    buffer_append(&changed, all, (size_t)(first - all));
    buffer_append(&changed, returns, strlen(returns));
    buffer_append(&changed, end, strlen(end) + 1);
    return model_header_read((const char *)changed.bytes, "{}", NULL, out, error);
}

Test(model, returns_come_back_and_make_sense_or_are_refused)
{
    static const char *const refused[] = {
        "[]",  "[0,0,0,0,0,0,0]", "[0,0,0,0,0,0,0,0,0]", "[0,0,0,-1e-9,0,0,0,0]", "[0,0,0,0,0,0,0,1e7]", "[0,0,\"0\",0,0,0,0,0]", "7",
        "null"};
    struct fixture fixture;
    struct model *model = NULL;
    struct model_header header;
    struct error error = {.detail = ""};
    fixture_init(&fixture, 0);
    cr_assert_eq(model_open(fixture.path, &model, &error), STATUS_OK);
    struct model_facts facts = *model_facts(model);
    cr_assert_eq(read_with_returns(&facts, "\"returns\":[0.5,0,1,0,0,0,0,2],", &header, &error), STATUS_OK, "%s", error.detail);
    cr_expect_arr_eq(header.facts.returns.weights, ((float[]){.5f, 0, 1, 0, 0, 0, 0, 2}), sizeof header.facts.returns.weights);
    model_header_clear(&header);
    cr_assert_eq(read_with_returns(&facts, "", &header, &error), STATUS_OK, "an older file: %s", error.detail);
    cr_expect_arr_eq(header.facts.returns.weights, (float[RETURN_CLASSES]){0}, sizeof header.facts.returns.weights);
    model_header_clear(&header);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        char member[80];
        (void)snprintf(member, sizeof member, "\"returns\":%s,", refused[i]);
        cr_expect_eq(read_with_returns(&facts, member, &header, &error), STATUS_CORRUPT, "%s", member);
        cr_expect(strstr(error.detail, "returns"), "%s: %s", member, error.detail);
    }
    model_close(model);
    fixture_clear(&fixture);
}

Test(model, that_is_not_there_is_not_found)
{
    struct model *model = NULL;
    struct error error = {.detail = ""};
    cr_assert_eq(model_open("/nonexistent/model.safetensors", &model, &error), STATUS_NOT_FOUND);
    cr_assert(error.detail[0]);
}

Test(model, a_directory_is_no_model)
{
    struct model *model = NULL;
    struct error error = {.detail = ""};
    cr_assert_eq(model_open("/tmp", &model, &error), STATUS_CORRUPT);
}

Test(model, a_pipe_is_no_model_and_does_not_block)
{
    struct fixture fixture;
    struct model *model = NULL;
    struct error error = {.detail = ""};
    fixture_init(&fixture, 0);
    cr_assert(mkfifo(fixture.spoiled, 0600) == 0);
    cr_assert_eq(model_open(fixture.spoiled, &model, &error), STATUS_CORRUPT);
    fixture_clear(&fixture);
}

/* A file whose checksums are right but whose content is not: what an attacker would write. change gets content to spoil. */
static enum status write_and_open(const struct fixture *fixture, void (*change)(struct model_content *content, const char *ids[]),
                                  struct error *error)
{
    struct model_content content = {0};
    const char *ids[PLANTED_ITEMS];
    char version[MODEL_VERSION_BYTES], path[128];
    cr_assert(model_file_read(fixture->path, &content, error) == STATUS_OK);
    for (uint32_t i = 0; i < PLANTED_ITEMS; i++)
        ids[i] = names_text(content.names, i);
    change(&content, ids);
    enum status status =
        model_file_write(fixture->planted.directory,
                         &(struct model_parts){&content.header.facts, &content.tensors, content.weights, NULL, ids}, version, error);
    struct model *model = NULL;
    if (status == STATUS_OK) {
        (void)snprintf(path, sizeof path, "%s/%s.safetensors", fixture->planted.directory, version);
        status = model_open(path, &model, error);
    }
    model_close(model);
    model_content_clear(&content);
    return status;
}

static void change_nothing(struct model_content *content, const char *ids[])
{
    (void)content, (void)ids;
}

static void change_to_infinity(struct model_content *content, const char *ids[])
{
    (void)ids;
    content->weights[content->tensors.bias + 3] = INFINITY;
}

static void change_to_nan(struct model_content *content, const char *ids[])
{
    (void)ids;
    content->weights[content->tensors.blocks[1].up + 5] = NAN;
}

static void change_shape(struct model_content *content, const char *ids[])
{
    (void)ids;
    content->header.facts.shape.taps++;
}

static void change_to_great_shape(struct model_content *content, const char *ids[])
{
    (void)ids;
    content->header.facts.shape.width = WIDTH_MAX + 1;
}

static void change_temperature(struct model_content *content, const char *ids[])
{
    (void)ids;
    content->header.facts.shape.temperature = -1;
}

Test(model, content_that_makes_no_sense_is_refused_though_its_checksum_is_right)
{
    struct fixture fixture;
    struct error error;
    fixture_init(&fixture, 0);
    cr_assert_eq(write_and_open(&fixture, change_nothing, &error), STATUS_OK, "%s", error.detail);
    cr_assert_eq(write_and_open(&fixture, change_to_infinity, &error), STATUS_CORRUPT);
    cr_assert(strstr(error.detail, "item.bias"), "%s", error.detail);
    cr_assert_eq(write_and_open(&fixture, change_to_nan, &error), STATUS_CORRUPT);
    cr_assert(strstr(error.detail, "block.1.feed.up.weight"), "%s", error.detail);
    cr_assert_eq(write_and_open(&fixture, change_shape, &error), STATUS_CORRUPT);
    cr_assert(strstr(error.detail, "conv.weight"), "%s", error.detail);
    cr_assert_eq(write_and_open(&fixture, change_to_great_shape, &error), STATUS_CORRUPT);
    cr_assert(strstr(error.detail, "width"), "%s", error.detail);
    cr_assert_eq(write_and_open(&fixture, change_temperature, &error), STATUS_CORRUPT);
    fixture_clear(&fixture);
}

/* Replace one text by another of the same length in the bytes behind the header, and the checksum that stands in the header. */
static void replace_in_data(struct fixture *fixture, const char *from, const char *to)
{
    uint64_t length;
    memcpy(&length, fixture->bytes, sizeof length);
    unsigned char *data = fixture->bytes + 8 + length, hash[CHECKSUM_BYTES];
    size_t n_data = fixture->n_bytes - 8 - length;
    char old[2 * CHECKSUM_BYTES + 1], new[2 * CHECKSUM_BYTES + 1];
    (void)crypto_generichash(hash, sizeof hash, data, n_data, NULL, 0);
    sodium_bin2hex(old, sizeof old, hash, sizeof hash);
    unsigned char *place = memmem(data, n_data, from, strlen(from));
    cr_assert(place);
    memcpy(place, to, strlen(to));
    (void)crypto_generichash(hash, sizeof hash, data, n_data, NULL, 0);
    sodium_bin2hex(new, sizeof new, hash, sizeof hash);
    unsigned char *digits = memmem(fixture->bytes, 8 + length, old, strlen(old));
    cr_assert(digits);
    memcpy(digits, new, strlen(new));
}

Test(model, ids_that_are_no_ids_are_refused_though_the_checksum_is_right)
{
    struct fixture fixture;
    struct error error;
    fixture_init(&fixture, 0);
    replace_in_data(&fixture, "1011121314", "1011121315"); /* "14" becomes the "15" that follows */
    cr_assert_eq(open_bytes(&fixture, fixture.bytes, fixture.n_bytes, &error), STATUS_CORRUPT);
    cr_assert(strstr(error.detail, "the same id"), "%s", error.detail);
    replace_in_data(&fixture, "1011121315", "1011121\n14");
    cr_assert_eq(open_bytes(&fixture, fixture.bytes, fixture.n_bytes, &error), STATUS_CORRUPT);
    cr_assert(strstr(error.detail, "no valid id"), "%s", error.detail);
    replace_in_data(&fixture, "1011121\n14", "1011121314");
    cr_assert_eq(open_bytes(&fixture, fixture.bytes, fixture.n_bytes, &error), STATUS_OK, "%s", error.detail);
    fixture_clear(&fixture);
}

static void check_scores(float temperature)
{
    struct fixture fixture;
    fixture_init(&fixture, temperature);
    struct model_content content = {0};
    struct error error;
    cr_assert(model_file_read(fixture.path, &content, &error) == STATUS_OK);
    struct model *model = open_model(fixture.path);
    size_t C = content.header.facts.shape.width;
    void *workspace = aligned_alloc(64, model_workspace_bytes(model));
    const uint32_t items[] = {3, 4, 5, 4000000000u, 6};
    const uint8_t types[] = {0, 2, 0, 0, 0};
    float user[8], scores[PLANTED_ITEMS], expected[PLANTED_ITEMS], length = 0;
    cr_assert(model_encode(model, items, NULL, types, 5, workspace, user));
    model_score(model, user, scores);
    for (size_t c = 0; c < C; c++)
        length += user[c] * user[c];
    for (size_t v = 0; v < PLANTED_ITEMS; v++) {
        const float *item = content.weights + content.tensors.items + v * C;
        double sum = 0, square = 0;
        for (size_t c = 0; c < C; c++) {
            sum += (double)user[c] * (double)item[c];
            square += (double)item[c] * (double)item[c];
        }
        double scale = temperature > 0 ? 1 / ((double)temperature * sqrt(square * (double)length)) : 1;
        expected[v] = (float)(sum * scale + (double)content.weights[content.tensors.bias + v]);
    }
    expect_close(scores, expected, PLANTED_ITEMS, 1e-5f, "scores");
    free(workspace);
    model_close(model);
    model_content_clear(&content);
    fixture_clear(&fixture);
}

Test(model, scores_are_dot_products_and_bias)
{
    check_scores(0);
}

Test(model, scores_with_temperature_are_cosines_divided_by_it)
{
    check_scores(.2f);
}

Test(model, encode_skips_what_it_does_not_know)
{
    struct fixture fixture;
    fixture_init(&fixture, 0);
    struct model *model = open_model(fixture.path);
    void *workspace = aligned_alloc(64, model_workspace_bytes(model));
    const uint32_t items[] = {PLANTED_ITEMS, 3, 99, 5, 7}, known[] = {3, 5};
    const uint8_t types[] = {0, 0, 0, 0, 9}, known_types[] = {0, 0};
    float user[8], expected[8];
    cr_assert(model_encode(model, items, NULL, types, 5, workspace, user));
    cr_assert(model_encode(model, known, NULL, known_types, 2, workspace, expected));
    expect_close(user, expected, 8, 0, "the state");
    cr_assert_not(model_encode(model, items, NULL, types, 1, workspace, user), "only an unknown item: there is nothing to say");
    cr_assert_not(model_encode(model, items, NULL, types, 0, workspace, user));
    free(workspace);
    model_close(model);
    fixture_clear(&fixture);
}

Test(model, encode_reads_an_item_that_came_later_by_its_vector)
{
    struct fixture fixture;
    fixture_init(&fixture, 0);
    struct model *model = open_model(fixture.path);
    void *workspace = aligned_alloc(64, model_workspace_bytes(model));
    const struct item_vectors own = model_item_vectors(model);
    const uint32_t items[] = {PLANTED_ITEMS + 7, 99, 5}, known[] = {3, 5};
    const float *const vectors[] = {own.vectors + 3 * own.width, NULL, own.vectors};
    const uint8_t types[] = {0, 0, 0};
    float user[8], expected[8];
    cr_assert(model_encode(model, items, vectors, types, 3, workspace, user));
    cr_assert(model_encode(model, known, NULL, types, 2, workspace, expected));
    expect_close(user, expected, 8, 1e-6f, "item 99 has no vector, and item 5 is the model's own whatever is said of it");
    cr_assert(model_encode(model, items, vectors, types, 1, workspace, user), "one that came later is enough");
    free(workspace);
    model_close(model);
    fixture_clear(&fixture);
}

Test(model, an_item_is_most_similar_to_itself)
{
    struct fixture fixture;
    fixture_init(&fixture, 0);
    struct model *model = open_model(fixture.path);
    struct item_vectors items = model_item_vectors(model);
    float similarities[PLANTED_ITEMS];
    for (uint32_t item = 0; item < PLANTED_ITEMS; item++) {
        model_similar(model, items.vectors + (size_t)item * items.width, similarities);
        cr_assert_float_eq(similarities[item], 1, 1e-4);
        for (uint32_t other = 0; other < PLANTED_ITEMS; other++)
            cr_assert(similarities[other] <= 1.0001f && similarities[other] >= -1.0001f);
    }
    model_close(model);
    fixture_clear(&fixture);
}
