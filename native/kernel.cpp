// The same source compiled for each instruction set, in namespaces, and the choice among them when the program runs.

#include "kernel.h"

#if defined(__x86_64__) && !defined(ONLY_BASELINE)
#include <immintrin.h>
#define WITH_VECTORS 1
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#ifdef WITH_VECTORS
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512vl,avx512bw,avx2,fma,prefer-vector-width=512")
#endif
namespace avx512 {
#define LANES 8
#include "all.h"
}
#ifdef __clang__
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
namespace avx2 {
#define LANES 4
#include "all.h"
}
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

// Registers of two doubles: ARM, and x86 as of 2008, where comparing integers of 64 bits begins.
#ifdef __x86_64__
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("sse4.2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("sse4.2")
#endif
#endif
namespace baseline {
#define LANES 2
#include "all.h"
}
#ifdef __x86_64__
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

int kernels(Named *out)
{
    int found = 0;
#ifdef __x86_64__
    __builtin_cpu_init();
#endif
#ifdef WITH_VECTORS
    const bool avx2_and_fma = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (avx2_and_fma && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
        out[found++] = {"avx512", &avx512::KERNEL};
    if (avx2_and_fma) out[found++] = {"avx2", &avx2::KERNEL};
#endif
#if defined(__aarch64__)
    out[found++] = {"neon", &baseline::KERNEL};
#elif defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) out[found++] = {"baseline", &baseline::KERNEL};
#else
    out[found++] = {"baseline", &baseline::KERNEL};
#endif
    return found;
}
