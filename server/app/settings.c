/* One table of settings, three sources that write through it. Surprising: an unknown INKLING_… variable is an error only when its section
 * is one of ours, because an orchestrator sets variables like INKLING_SERVICE_HOST for any service called inkling. */
#include "server/app/settings.h"

#include "core/base/utf8.h"
#include "server/pictures/picture.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <ini.h> /* inih: INI files in one small parser; BSD */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum setting_kind { SETTING_TEXT, SETTING_INTEGER, SETTING_REAL, SETTING_SECONDS, SETTING_CHOICE, SETTING_FLAG };

struct setting {
    const char *name; /* section.name */
    enum setting_kind kind;
    size_t offset, n_bytes; /* of the member */
    double least, most;
    const char *preset;
    const char *const *choices; /* NULL-terminated */
    const char *help;
};

static const char *const gate_metrics[] = {"hr5", "hr10", "hr20", "ndcg5", "ndcg10", "ndcg20", "mrr5", "mrr10", "mrr20", NULL};
static const char *const log_levels[] = {"error", "warning", "info", "debug", NULL};

#define MEMBER(member) offsetof(struct settings, member), sizeof(((struct settings *)0)->member)

// clang-format off
static const struct setting table[] = {
    {"http.address",           SETTING_TEXT,    MEMBER(http_address),           0,     0,     "127.0.0.1", NULL, "address to listen on; loopback only, as long as there are no keys"},
    {"http.port",              SETTING_INTEGER, MEMBER(http_port),              0,     65535, "8080",      NULL, "port; 0 takes a free one and prints it"},
    {"http.threads",           SETTING_INTEGER, MEMBER(http_threads),           0,     256,   "0",         NULL, "threads that answer; 0 is one a processor"},
    {"http.max_connections",   SETTING_INTEGER, MEMBER(http_max_connections),   1,     65536, "1024",      NULL, "connections at once; more are closed"},
    {"http.max_body_bytes",    SETTING_INTEGER, MEMBER(http_max_body_bytes),    1024,  1e9,   "4194304",   NULL, "largest request body; a larger one is answered 413"},
    {"http.max_bodies_bytes",  SETTING_INTEGER, MEMBER(http_max_bodies_bytes),  1024,  1e12,  "268435456", NULL, "all large bodies at once; a request beyond that is answered 503"},
    {"http.max_batch",         SETTING_INTEGER, MEMBER(http_max_batch),         1,     1e5,   "5000",      NULL, "events or items in one request; more are answered 413"},
    {"http.idle_seconds",      SETTING_INTEGER, MEMBER(http_idle_seconds),      1,     3600,  "60",        NULL, "a silent connection is closed after this"},
    {"http.deadline_seconds",  SETTING_INTEGER, MEMBER(http_deadline_seconds),  1,     3600,  "30",        NULL, "a request must have arrived whole after this"},
    {"http.drain_seconds",     SETTING_INTEGER, MEMBER(http_drain_seconds),     0,     600,   "10",        NULL, "longest wait for open requests when stopping; a write is waited for"},
    {"recommend.max_limit",    SETTING_INTEGER, MEMBER(recommend_max_limit),    1,     10000, "200",       NULL, "largest limit of one answer"},
    {"behaviour.max_events",   SETTING_INTEGER, MEMBER(behaviour_max_events),   8,     10000, "256",       NULL, "events kept in memory for a user, the newest; older ones still count as seen"},
    {"behaviour.max_bytes",    SETTING_INTEGER, MEMBER(behaviour_max_bytes),    65536, 1e15,  "536870912", NULL, "memory for all users' events; the idlest are reread when they return"},
    {"encoder.cache_bytes",    SETTING_INTEGER, MEMBER(encoder_cache_bytes),    0,     1e12,  "67108864",  NULL, "memory for encoder states of users; 0: every user is encoded anew"},
    {"events.queue",           SETTING_INTEGER, MEMBER(events_queue),           1,     1e6,   "1024",      NULL, "writes that may wait for the disk; more are answered 503"},
    {"neighbours.weight",      SETTING_REAL,    MEMBER(neighbours_weight),      -1,    1000,  "-1",        NULL, "weight of the neighbours beside the encoder; below 0 the live model's own"},
    {"neighbours.max_row",     SETTING_INTEGER, MEMBER(neighbours_max_row),     8,     1e5,   "512",       NULL, "neighbours counted for an item"},
    {"retrain.budget",         SETTING_SECONDS, MEMBER(retrain_budget),         0,     86400, "20min",     NULL, "time in which `retrain` searches settings, e.g. 90s or 1h; 0 searches none"},
    {"retrain.clock",          SETTING_FLAG,    MEMBER(retrain_clock),          0,     1,     "true",      NULL, "heed the clock on a slow machine; false: what was reckoned decides alone"},
    {"retrain.content",        SETTING_FLAG,    MEMBER(retrain_content),        0,     1,     "true",      NULL, "learn to place new items by words and pictures; false: by events alone"},
    {"pictures.keep_originals", SETTING_FLAG,   MEMBER(pictures_keep_originals), 0,    1,     "true",      NULL, "keep the files of pictures as they were sent; false: only what networks see"},
    {"pictures.max_bytes",     SETTING_INTEGER, MEMBER(pictures_max_bytes),     1024,  PICTURE_BYTES_MAX, "8388608", NULL, "largest file of a picture; a larger one is answered 413"},
    {"pictures.decoders",      SETTING_INTEGER, MEMBER(pictures_decoders),      1,     16,    "1",         NULL, "processes that decode pictures; they start with the first picture"},
    {"pictures.deadline",      SETTING_SECONDS, MEMBER(pictures_deadline),      1,     60,    "10s",       NULL, "longest time to decode a picture; one that takes longer is refused"},
    {"pictures.predict",       SETTING_REAL,    MEMBER(pictures_predict),       0,     1,     "0",         NULL, "probability from which on a PUT picture gives an item a missing category; 0: never"},
    {"gate.metric",            SETTING_CHOICE,  MEMBER(gate_metric),            0,     0,     "ndcg10",    gate_metrics, "held-out figure by which a new model is compared with the live one"},
    {"gate.margin",            SETTING_REAL,    MEMBER(gate_margin),            0,     1,     "0.02",      NULL, "a model is rejected if it is worse by more than this part; 1 rejects none"},
    {"log.level",              SETTING_CHOICE,  MEMBER(log_level),              0,     0,     "info",      log_levels, "what is logged on standard error"},
};
// clang-format on

#define N_SETTINGS        (sizeof table / sizeof table[0])
#define WEIGHTS           "weights."
#define WEIGHTS_MAX       ((uint32_t)(sizeof((struct settings *)0)->weights_by_name / sizeof((struct settings *)0)->weights_by_name[0]))
#define WEIGHT_LARGEST    100.0
#define ENVIRONMENT       "INKLING_"
#define SETTING_MAX_BYTES 160 /* of a name */

void settings_default(struct settings *settings)
{
    *settings = (struct settings){0};
    for (size_t i = 0; i < N_SETTINGS; i++) {
        enum status status = settings_set(settings, table[i].name, table[i].preset, "default", NULL);
        assert(status == STATUS_OK);
        (void)status;
    }
}

static const struct setting *find_setting(const char *name)
{
    for (size_t i = 0; i < N_SETTINGS; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

static bool parse_integer(const char *text, int64_t *out_value)
{
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end || isspace((unsigned char)*text))
        return false;
    *out_value = value;
    return true;
}

static bool parse_real(const char *text, double *out_value)
{
    char *end = NULL;
    double value = strtod(text, &end);
    if (end == text || *end || isspace((unsigned char)*text) || !isfinite(value))
        return false;
    *out_value = value;
    return true;
}

bool parse_seconds(const char *text, int64_t *out_seconds)
{
    static const struct {
        const char *name;
        int64_t seconds;
    } units[] = {{"s", 1}, {"min", 60}, {"h", 3600}};
    int64_t number = 0, unit = 0;
    size_t n_digits = strspn(text, "0123456789");
    if (n_digits == 0 || n_digits > 9)
        return false;
    for (size_t i = 0; i < n_digits; i++)
        number = number * 10 + (text[i] - '0');
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        unit = strcmp(text + n_digits, units[i].name) == 0 ? units[i].seconds : unit;
    if (!unit && (text[n_digits] || number))
        return false; /* only nothing needs no unit */
    *out_seconds = number * unit;
    return true;
}

static enum status set_seconds(const struct setting *setting, char *member, const char *value, const char *where, struct error *error)
{
    int64_t seconds = 0;
    if (!parse_seconds(value, &seconds) || (double)seconds < setting->least || (double)seconds > setting->most)
        return fail(error, STATUS_INVALID, "%s: %s must be a time from %.15g to %.15g seconds such as 90s, 20min or 1h, not \"%.60s\"",
                    where, setting->name, setting->least, setting->most, value);
    memcpy(member, &seconds, sizeof seconds);
    return STATUS_OK;
}

static enum status set_text(const struct setting *setting, char *member, const char *value, const char *where, struct error *error)
{
    size_t n_bytes = strlen(value);
    if (!n_bytes || n_bytes >= setting->n_bytes || !utf8_is_id(value, n_bytes))
        return fail(error, STATUS_INVALID, "%s: %s must be a text of 1 to %zu bytes", where, setting->name, setting->n_bytes - 1);
    memcpy(member, value, n_bytes + 1);
    return STATUS_OK;
}

static enum status set_choice(const struct setting *setting, char *member, const char *value, const char *where, struct error *error)
{
    for (const char *const *choice = setting->choices; *choice; choice++)
        if (strcmp(*choice, value) == 0)
            return set_text(setting, member, value, where, error);
    SCOPED(buffer_clear) struct buffer choices;
    buffer_init(&choices, 160);
    for (const char *const *choice = setting->choices; *choice; choice++)
        buffer_append_format(&choices, "%s%s", choice == setting->choices ? "" : ", ", *choice);
    return fail(error, STATUS_INVALID, "%s: %s must be one of %s, not \"%.60s\"", where, setting->name, choices.bytes ? choices.bytes : "",
                value);
}

static enum status set_number(const struct setting *setting, char *member, const char *value, const char *where, struct error *error)
{
    bool is_integer = setting->kind == SETTING_INTEGER;
    int64_t integer = 0;
    double real = 0;
    bool is_good = is_integer ? parse_integer(value, &integer) : parse_real(value, &real);
    double given = is_integer ? (double)integer : real;
    if (!is_good || given < setting->least || given > setting->most)
        return fail(error, STATUS_INVALID, "%s: %s must be %s from %.15g to %.15g, not \"%.60s\"", where, setting->name,
                    is_integer ? "an integer" : "a number", setting->least, setting->most, value);
    memcpy(member, is_integer ? (const void *)&integer : (const void *)&real, setting->n_bytes);
    return STATUS_OK;
}

static enum status set_flag(const struct setting *setting, char *member, const char *value, const char *where, struct error *error)
{
    bool flag = strcmp(value, "true") == 0;
    if (!flag && strcmp(value, "false") != 0)
        return fail(error, STATUS_INVALID, "%s: %s must be true or false, not \"%.60s\"", where, setting->name, value);
    memcpy(member, &flag, sizeof flag);
    return STATUS_OK;
}

/* The row of weights_by_name that speaks of type, or n_weights. */
static uint32_t find_weight(const struct settings *settings, const char *type, size_t n_bytes)
{
    for (uint32_t i = 0; i < settings->n_weights; i++) {
        const char *row = settings->weights_by_name[i];
        if (strncmp(row, type, n_bytes) == 0 && strrchr(row, '=') == row + n_bytes)
            return i;
    }
    return settings->n_weights;
}

static enum status set_weight(struct settings *settings, const char *type, const char *value, const char *where, struct error *error)
{
    size_t n_bytes = strlen(type);
    double weight = 0;
    if (!utf8_is_id(type, n_bytes))
        return fail(error, STATUS_INVALID, "%s: weights. must be followed by an event type of 1 to %d bytes", where, ID_MAX_BYTES);
    if (!parse_real(value, &weight) || fabs(weight) > WEIGHT_LARGEST)
        return fail(error, STATUS_INVALID, "%s: weights.%s must be a number from %g to %g, not \"%.60s\"", where, type, -WEIGHT_LARGEST,
                    WEIGHT_LARGEST, value);
    uint32_t row = find_weight(settings, type, n_bytes);
    if (row == WEIGHTS_MAX)
        return fail(error, STATUS_LIMIT, "%s: weights.%s is one weight too many: %u may be set", where, type, WEIGHTS_MAX);
    (void)snprintf(settings->weights_by_name[row], sizeof settings->weights_by_name[row], "%s=%.9g", type, weight);
    settings->n_weights += row == settings->n_weights;
    return STATUS_OK;
}

enum status settings_set(struct settings *settings, const char *name, const char *value, const char *where, struct error *error)
{
    if (strncmp(name, WEIGHTS, strlen(WEIGHTS)) == 0)
        return set_weight(settings, name + strlen(WEIGHTS), value, where, error);
    const struct setting *setting = find_setting(name);
    if (!setting)
        return fail(error, STATUS_INVALID, "%s: there is no setting \"%.80s\"; `inkling serve --help` lists them", where, name);
    char *member = (char *)settings + setting->offset;
    switch (setting->kind) {
    case SETTING_TEXT: return set_text(setting, member, value, where, error);
    case SETTING_CHOICE: return set_choice(setting, member, value, where, error);
    case SETTING_SECONDS: return set_seconds(setting, member, value, where, error);
    case SETTING_FLAG: return set_flag(setting, member, value, where, error);
    case SETTING_INTEGER:
    case SETTING_REAL: return set_number(setting, member, value, where, error);
    }
    return STATUS_INVALID;
}

/* --- the file --- */

struct ini_source {
    struct settings *settings;
    struct error *error;
    FILE *file;
    unsigned line;
    enum status status; /* of the first mistake */
};

/* inih tells a handler no line number, but asks for the lines one by one: so the counting is done here. */
static char *read_line(char *line, int n_bytes, void *context)
{
    struct ini_source *source = context;
    char *got = fgets(line, n_bytes, source->file);
    if (!got)
        return NULL;
    source->line++;
    if (!strchr(got, '\n') && !feof(source->file) && source->status == STATUS_OK)
        source->status = fail(source->error, STATUS_INVALID, "inkling.conf line %u: longer than %d bytes", source->line, n_bytes - 2);
    return got;
}

static int set_from_file(void *context, const char *section, const char *name, const char *value)
{
    struct ini_source *source = context;
    char full_name[SETTING_MAX_BYTES], where[40];
    if (source->status != STATUS_OK)
        return 1;
    (void)snprintf(where, sizeof where, "inkling.conf line %u", source->line);
    if ((size_t)snprintf(full_name, sizeof full_name, "%s.%s", section, name) >= sizeof full_name)
        source->status = fail(source->error, STATUS_INVALID, "%s: the name is too long", where);
    else
        source->status = settings_set(source->settings, full_name, value, where, source->error);
    return 1;
}

static enum status load_file(struct settings *settings, struct error *error)
{
    char path[sizeof settings->data_directory + sizeof "/inkling.conf"];
    (void)snprintf(path, sizeof path, "%s/inkling.conf", settings->data_directory);
    struct ini_source source = {.settings = settings, .error = error, .file = fopen(path, "re")};
    if (!source.file)
        return errno == ENOENT || errno == ENOTDIR ? STATUS_OK : fail(error, STATUS_IO, "%.160s cannot be read: %s", path, strerror(errno));
    int bad_line = ini_parse_stream(read_line, &source, set_from_file, &source);
    bool is_unread = ferror(source.file) != 0;
    (void)fclose(source.file);
    if (source.status != STATUS_OK)
        return source.status;
    if (is_unread)
        return fail(error, STATUS_IO, "%.160s cannot be read", path);
    if (bad_line)
        return fail(error, STATUS_INVALID, "inkling.conf line %d: expected [section] or name = value", bad_line);
    return STATUS_OK;
}

/* --- the environment --- */

static bool is_section(const char *name, size_t n_bytes)
{
    if (n_bytes == strlen(WEIGHTS) - 1 && strncmp(name, WEIGHTS, n_bytes) == 0)
        return true;
    for (size_t i = 0; i < N_SETTINGS; i++)
        if (strncmp(table[i].name, name, n_bytes) == 0 && table[i].name[n_bytes] == '.')
            return true;
    return false;
}

/* "INKLING_HTTP_PORT=8080" sets http.port; types of [weights] are read in lower case. */
static enum status set_from_variable(struct settings *settings, const char *variable, struct error *error)
{
    char name[SETTING_MAX_BYTES], where[SETTING_MAX_BYTES + 16];
    const char *start = variable + strlen(ENVIRONMENT), *value = strchr(start, '='), *gap = strchr(start, '_');
    if (!value || !gap || gap > value || (size_t)(value - start) >= sizeof name)
        return STATUS_OK;
    size_t n_bytes = (size_t)(value - start), n_section = (size_t)(gap - start);
    for (size_t i = 0; i < n_bytes; i++)
        name[i] = (char)tolower((unsigned char)start[i]);
    name[n_section] = '.';
    name[n_bytes] = '\0';
    if (!is_section(name, n_section))
        return STATUS_OK;
    (void)snprintf(where, sizeof where, "environment variable %.*s", (int)(value - variable), variable);
    return settings_set(settings, name, value + 1, where, error);
}

static enum status load_environment(struct settings *settings, struct error *error)
{
    for (char **variable = environ; variable && *variable; variable++)
        if (strncmp(*variable, ENVIRONMENT, strlen(ENVIRONMENT)) == 0)
            TRY(set_from_variable(settings, *variable, error));
    return STATUS_OK;
}

enum status settings_load(struct settings *settings, struct error *error)
{
    TRY(load_file(settings, error));
    return load_environment(settings, error);
}

/* --- all of them --- */

static bool is_loopback(const char *address)
{
    unsigned char number[sizeof(struct in6_addr)];
    if (inet_pton(AF_INET, address, number) == 1)
        return number[0] == 127;
    if (inet_pton(AF_INET6, address, number) == 1)
        return memcmp(number, &in6addr_loopback, sizeof in6addr_loopback) == 0;
    return false;
}

enum status settings_check(const struct settings *settings, struct error *error)
{
    if (!settings->data_directory[0])
        return fail(error, STATUS_INVALID, "no data directory: give --data DIR");
    if (!is_loopback(settings->http_address))
        return fail(error, STATUS_INVALID,
                    "http.address must be a loopback address (127.0.0.1 or ::1), not %s: without keys everybody who reaches it could write",
                    settings->http_address);
    return STATUS_OK;
}

/* The value as settings_set reads it. */
static void format_value(const struct setting *setting, const char *member, char *out, size_t n_bytes)
{
    int64_t integer = 0;
    double real = 0;
    bool flag = false;
    switch (setting->kind) {
    case SETTING_TEXT:
    case SETTING_CHOICE: (void)snprintf(out, n_bytes, "%s", member); return;
    case SETTING_REAL:
        memcpy(&real, member, sizeof real);
        (void)snprintf(out, n_bytes, "%.17g", real);
        return;
    case SETTING_FLAG:
        memcpy(&flag, member, sizeof flag);
        (void)snprintf(out, n_bytes, "%s", flag ? "true" : "false");
        return;
    case SETTING_INTEGER:
    case SETTING_SECONDS:
        memcpy(&integer, member, sizeof integer);
        (void)snprintf(out, n_bytes, "%lld%s", (long long)integer, setting->kind == SETTING_SECONDS ? "s" : "");
        return;
    }
}

static bool is_for_training(const char *name)
{
    static const char *const sections[] = {"neighbours.", "retrain.", "gate."};
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++)
        if (strncmp(name, sections[i], strlen(sections[i])) == 0)
            return true;
    return false;
}

void settings_for_training(const struct settings *settings, void (*visit)(void *context, const char *name, const char *value),
                           void *context)
{
    char name[SETTING_MAX_BYTES + sizeof WEIGHTS], value[SETTING_MAX_BYTES];
    for (size_t i = 0; i < N_SETTINGS; i++) {
        if (!is_for_training(table[i].name))
            continue;
        format_value(&table[i], (const char *)settings + table[i].offset, value, sizeof value);
        visit(context, table[i].name, value);
    }
    for (uint32_t i = 0; i < settings->n_weights; i++) {
        const char *row = settings->weights_by_name[i], *equals = strrchr(row, '=');
        (void)snprintf(name, sizeof name, WEIGHTS "%.*s", (int)(equals - row), row);
        visit(context, name, equals + 1);
    }
}

static const struct {
    const char *type;
    float weight;
} preset_weights[] = {{"impression", -0.05F}, {"dislike", -1}};

float settings_type_weight(const struct settings *settings, const char *type)
{
    size_t n_bytes = strlen(type);
    uint32_t row = find_weight(settings, type, n_bytes);
    if (row < settings->n_weights)
        return (float)strtod(settings->weights_by_name[row] + n_bytes + 1, NULL);
    for (size_t i = 0; i < sizeof preset_weights / sizeof preset_weights[0]; i++)
        if (strcmp(type, preset_weights[i].type) == 0)
            return preset_weights[i].weight;
    return 1;
}

void settings_help(struct buffer *out)
{
    for (size_t i = 0; i < N_SETTINGS; i++)
        buffer_append_format(out, "  %-24s %-10s %s\n", table[i].name, table[i].preset, table[i].help);
    buffer_append_format(out, "  %-24s %-10s %s\n", WEIGHTS "<event type>", "1",
                         "worth of an event of that type; impression is -0.05, dislike -1 by default");
    buffer_append_text(
        out, "                                      above 0: for the item, 3 counts as three events of 1; 0: kept, nothing else\n"
             "                                      -0.5 and below: against the item and what is like it\n"
             "                                      between -0.5 and 0: shown and not taken, weakly against it until it is taken\n"
             "                                      a shop may set: view 1, click 1, like 2, cart 2, purchase 3\n");
}
