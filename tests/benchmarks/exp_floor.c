/* One exponential and one addition for every score: the least that any softmax metric has to compute. */
#include <math.h>
#include <stddef.h>

float exp_floor(const float *restrict x, size_t n)
{
    float total = 0.0f;
#pragma omp simd reduction(+ : total)
    for (size_t i = 0; i < n; i++)
        total += expf(x[i]);
    return total;
}
