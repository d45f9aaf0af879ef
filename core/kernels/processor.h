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

/* Intel's have it, and take four times as long for it as for a product of floats, which does half as much (tests/bench/RESULTS.md,
 * "Processors of Intel"); AMD's take as long. */
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
