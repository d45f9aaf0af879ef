/* A verdict from anywhere: what is accepted stays inside its limits, and a refusal touches nothing. */
#include "server/app/verdict.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct error error;
    struct verdict verdict = verdict_of(VERDICT_READY, "as before");
    if (verdict_parse((const char *)bytes, n_bytes, &verdict, &error) != STATUS_OK) {
        assert(error.detail[0] != '\0');
        assert(verdict.state == VERDICT_READY && strcmp(verdict.reason, "as before") == 0);
        return 0;
    }
    assert(verdict_state_names[verdict.state] != NULL);
    assert(memchr(verdict.reason, '\0', sizeof verdict.reason) && memchr(verdict.metric, '\0', sizeof verdict.metric));
    assert(memchr(verdict.live_version, '\0', sizeof verdict.live_version));
    return 0;
}
