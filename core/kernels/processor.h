/* Processor: which instructions this one has. Threads: any. */
#ifndef KERNELS_PROCESSOR_H
#define KERNELS_PROCESSOR_H

#include <stdbool.h>

#if defined(__x86_64__)
static inline bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static inline bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl");
}

static inline bool has_bf16(void)
{
    return has_avx512() && __builtin_cpu_supports("avx512bf16");
}

/* A product in bf16 does twice as much as one in floats. Emerald Rapids takes four times as long for it, Zen 4 about as long
 * (tests/bench/RESULTS.md, "Processors of Intel"); others are taken to be as their maker's. */
static inline bool is_quick_at_bf16(void)
{
    return has_bf16() && __builtin_cpu_is("amd");
}
#else
static inline bool has_avx2(void)
{
    return false;
}

static inline bool has_avx512(void)
{
    return false;
}
#endif

#endif
