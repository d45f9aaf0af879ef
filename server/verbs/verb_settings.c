/* One order for every offline verb: defaults, file, environment, --set; the checks across settings come last. */
#include "server/verbs/verb_settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool verb_settings_add(struct verb_settings *options, const char *set)
{
    if (options->n_sets == VERB_SETS_MAX)
        return false;
    options->sets[options->n_sets++] = set;
    return true;
}

static enum status apply_set(struct settings *settings, const char *set, struct error *error)
{
    char name[128];
    const char *equals = strchr(set, '=');
    if (!equals || (size_t)(equals - set) >= sizeof name)
        return fail(error, STATUS_INVALID, "--set wants NAME=VALUE, not \"%.100s\"", set);
    memcpy(name, set, (size_t)(equals - set));
    name[equals - set] = '\0';
    return settings_set(settings, name, equals + 1, "--set", error);
}

enum status verb_settings_load(const struct verb_settings *options, struct settings *out_settings, struct error *error)
{
    if (!options->directory || !options->directory[0])
        return fail(error, STATUS_INVALID, "--data DIR is needed: the directory that holds inkling.db");
    settings_default(out_settings);
    if ((size_t)snprintf(out_settings->data_directory, sizeof out_settings->data_directory, "%s", options->directory) >=
        sizeof out_settings->data_directory)
        return fail(error, STATUS_INVALID, "the path of --data is too long");
    TRY(settings_load(out_settings, error));
    for (unsigned i = 0; i < options->n_sets; i++)
        TRY(apply_set(out_settings, options->sets[i], error));
    return settings_check(out_settings, error);
}

bool option_number(const char *text, int64_t least, int64_t most, int64_t *out_number)
{
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno || end == text || *end || text[0] == ' ' || text[0] == '+' || number < least || number > most)
        return false;
    *out_number = number;
    return true;
}
