/* Model files from anywhere: what is not a whole model is refused with words, never opened and never a crash. The file is memory with a name. */
#include "core/model.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    SCOPED(model_close) struct model *model = NULL;
    struct error error = {0};
    char path[64];
    int file = memfd_create("model", MFD_CLOEXEC);
    if (file < 0)
        return 0;
    bool is_whole = write(file, bytes, n_bytes) == (ssize_t)n_bytes;
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    if (is_whole && model_open(path, &model, &error) == STATUS_OK)
        assert(model_facts(model)->shape.n_items > 0 && model_item_id(model, 0));
    else if (is_whole)
        assert(error.detail[0]);
    (void)close(file);
    return 0;
}
