/* The settings of an offline verb: DIR/inkling.conf, the environment, then the verb's own --set NAME=VALUE. And numbers out of options.
 * Threads: one. */
#ifndef VERBS_VERB_SETTINGS_H
#define VERBS_VERB_SETTINGS_H

#include "server/app/settings.h"

#include <stdbool.h>

#define VERB_SETS_MAX 64

struct verb_settings {
    const char *directory; /* --data; NULL: not given */
    const char *sets[VERB_SETS_MAX];
    unsigned n_sets;
};

/* Note one --set. False: there are too many. */
bool verb_settings_add(struct verb_settings *options, const char *set);

/* STATUS_INVALID with the words for people: no directory was given, or a setting is wrong. */
enum status verb_settings_load(const struct verb_settings *options, struct settings *out_settings, struct error *error) MUST_CHECK;

/* A whole number in [least, most] and nothing else. */
bool option_number(const char *text, int64_t least, int64_t most, int64_t *out_number);

#endif
