/* The service's own figures, in Prometheus' text format. Counters live in struct figures; what can be asked for is asked when the page is
 * printed. Threads: any. */
#ifndef APP_METRICS_H
#define APP_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

enum { ANSWERS = 5 }; /* enum reason of the first item, and one for an empty answer */

/* How a user's vector came about: its state was kept, was kept and is older, or all was encoded. */
enum encoding_way { ENCODING_KEPT, ENCODING_ADVANCED, ENCODING_WHOLE, ENCODING_WAYS };

struct figures {
    atomic_uint_fast64_t events, last_commit_failed; /* gauges kept here */
    atomic_uint_fast64_t events_accepted, events_duplicate, writes_failed, writes_refused;
    atomic_uint_fast64_t commits, commits_failed, commit_ns;
    atomic_uint_fast64_t answers[ANSWERS], answers_degraded;
    atomic_uint_fast64_t encodings[ENCODING_WAYS];
    atomic_uint_fast64_t pictures_decoded, pictures_refused;
    atomic_uint_fast64_t models_adopted, models_damaged, model_swaps;
};

#endif
