/* Reading is the import's; the clock stands around whole calls, and the median of many is given. */
#include "tests/bench/bench_pictures.h"

#include "core/base/clock.h"
#include "core/layers/layer_pass.h"
#include "server/app/idx_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK      8u /* their maps stay in the cache; in blocks of 32 a picture took 2.6 times as long */
#define CALLS_MOST 100000u

void bench_pictures_give_up(const char *what, const char *why)
{
    (void)fprintf(stderr, "%s: %s\n", what, why);
    exit(2);
}

struct pictures bench_pictures_read(const char *images, const char *labels, uint32_t most)
{
    struct error error = {.detail = ""};
    struct idx_reader *reader = NULL;
    if (idx_reader_open(images, labels, &reader, &error) != STATUS_OK)
        bench_pictures_give_up("reading", error.detail);
    struct idx_sizes sizes = idx_reader_sizes(reader);
    uint32_t n = most && most < sizes.n ? most : sizes.n;
    size_t n_pixels = (size_t)sizes.height * sizes.width;
    struct pictures pictures = {.n = n, .shape = {sizes.height, sizes.width, 1}};
    uint8_t *pixels = calloc(n, n_pixels);
    uint32_t *numbers = calloc(n, sizeof *numbers);
    if (!pixels || !numbers)
        bench_pictures_give_up(images, "no pictures, or no memory for them");
    for (uint32_t i = 0; i < n; i++) {
        struct picture picture = {0};
        uint8_t label = 0;
        bool has_picture = false;
        if (idx_reader_next(reader, &picture, &label, &has_picture, &error) != STATUS_OK)
            bench_pictures_give_up("reading", error.detail);
        memcpy(pixels + i * n_pixels, picture.pixels, n_pixels);
        picture_clear(&picture);
        numbers[i] = label;
        pictures.n_classes = label >= pictures.n_classes ? label + 1u : pictures.n_classes;
    }
    idx_reader_close(reader);
    pictures.pixels = pixels;
    pictures.labels = numbers;
    return pictures;
}

struct pictures bench_pictures_part(const struct pictures *whole, uint32_t first, uint32_t end)
{
    struct pictures part = *whole;
    part.n = end - first;
    part.pixels += first * map_floats(whole->shape);
    part.labels += first;
    return part;
}

static int compare_times(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* inputs [n, pixels] as the network sees them. */
static uint64_t name_once(struct layer_pass *pass, const float *weights, const float *inputs, uint32_t n, size_t n_pixels)
{
    uint64_t began_ns = clock_monotonic_ns();
    for (uint32_t first = 0; first < n; first += BLOCK) {
        uint32_t n_now = n - first < BLOCK ? n - first : BLOCK;
        memcpy(layer_pass_input(pass), inputs + first * n_pixels, n_now * n_pixels * sizeof *inputs);
        layer_pass_infer(pass, weights, (struct sample_range){0, n_now, 0}, 0);
    }
    return clock_monotonic_ns() - began_ns;
}

double bench_pictures_latency(const struct layers *layers, const float *weights, const struct pictures *pictures, uint32_t n,
                              double seconds)
{
    static uint64_t times[CALLS_MOST];
    size_t n_pixels = map_floats(pictures->shape), n_calls = 0;
    struct layer_pass *pass = NULL;
    float *inputs = calloc(n, n_pixels * sizeof *inputs);
    if (!inputs || pictures->n < n || layer_pass_create(layers, BLOCK, false, 1, &pass) != STATUS_OK)
        bench_pictures_give_up("latency", "too few pictures, or no memory");
    picture_normalise(inputs, pictures->pixels, n * n_pixels);
    for (int i = 0; i < 10; i++)
        (void)name_once(pass, weights, inputs, n, n_pixels);
    for (uint64_t began_ns = clock_monotonic_ns();
         n_calls < CALLS_MOST && (n_calls < 5 || (double)(clock_monotonic_ns() - began_ns) < seconds * 1e9);)
        times[n_calls++] = name_once(pass, weights, inputs, n, n_pixels);
    qsort(times, n_calls, sizeof *times, compare_times);
    layer_pass_destroy(pass);
    free(inputs);
    return (double)times[n_calls / 2] / 1e3;
}
