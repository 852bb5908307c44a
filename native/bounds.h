// The least and the largest score of a row of many classes, and the search for scores near the largest.

struct Bounds { double least, best; };

// The largest and the least of eight lanes.
INLINE float largest_of(Floats x)
{
    Floats y = SHUFFLE(x, x, 4, 5, 6, 7, 0, 1, 2, 3);
    x = y > x ? y : x;
    y = SHUFFLE(x, x, 2, 3, 0, 1, 6, 7, 4, 5);
    x = y > x ? y : x;
    return x[1] > x[0] ? x[1] : x[0];
}
INLINE float least_of(Floats x)
{
    Floats y = SHUFFLE(x, x, 4, 5, 6, 7, 0, 1, 2, 3);
    x = y < x ? y : x;
    y = SHUFFLE(x, x, 2, 3, 0, 1, 6, 7, 4, 5);
    x = y < x ? y : x;
    return x[1] < x[0] ? x[1] : x[0];
}

// The least and the largest score of a row of at least eight classes, without NaN.
INLINE Bounds bounds_of(const float *z, int64_t k)
{
    Floats best[4], least[4];
    UNROLL for (int u = 0; u < 4; u++) best[u] = least[u] = *(const EightLoose *)(z + k - 8);
    int64_t c = 0;
    for (; c + 32 <= k; c += 32)
        UNROLL for (int u = 0; u < 4; u++) {
            const Floats x = *(const EightLoose *)(z + c + 8 * u);
            best[u] = x > best[u] ? x : best[u];
            least[u] = x < least[u] ? x : least[u];
        }
    for (; c + 8 <= k; c += 8) {
        const Floats x = *(const EightLoose *)(z + c);
        best[0] = x > best[0] ? x : best[0];
        least[0] = x < least[0] ? x : least[0];
    }
    UNROLL for (int u = 1; u < 4; u++) {
        best[0] = best[u] > best[0] ? best[u] : best[0];
        least[0] = least[u] < least[0] ? least[u] : least[0];
    }
    return {least_of(least[0]), largest_of(best[0])};
}

INLINE Bounds bounds_of(const double *z, int64_t k)
{
    D8 best = D8::load(z + k - 8), least = best;
    for (int64_t c = 0; c + 8 <= k; c += 8) {
        D8 x = D8::load(z + c);
        best = larger(x, best);
        least = smaller(x, least);
    }
    double high[8], low[8];
    best.store(high);
    least.store(low);
    Bounds found = {low[0], high[0]};
    for (int lane = 1; lane < 8; lane++) {
        found.best = high[lane] > found.best ? high[lane] : found.best;
        found.least = low[lane] < found.least ? low[lane] : found.least;
    }
    return found;
}

// Which of eight scores reach the limit, one bit each.
INLINE unsigned reaching(const float *z, float limit) { return mask_of((FloatMask)(*(const EightLoose *)z >= (Floats){} + limit)); }
INLINE unsigned reaching(const double *z, double limit) { return (D8::load(z) >= D8::all(limit)).mask(); }

// Which of 64 scores reach the limit.
INLINE uint64_t reaching_64(const float *z, float limit)
{
    uint64_t found = 0;
#if LANES == 8
    UNROLL for (int part = 0; part < 4; part++)
        found |= (uint64_t)_mm512_cmp_ps_mask(_mm512_loadu_ps(z + 16 * part), _mm512_set1_ps(limit), _CMP_GE_OQ) << (16 * part);
#else
    UNROLL for (int part = 0; part < 8; part++) found |= (uint64_t)reaching(z + 8 * part, limit) << (8 * part);
#endif
    return found;
}
INLINE uint64_t reaching_64(const double *z, double limit)
{
    uint64_t found = 0;
    UNROLL for (int part = 0; part < 8; part++) found |= (uint64_t)reaching(z + 8 * part, limit) << (8 * part);
    return found;
}
// Which of less than 64 scores do, the last ones of a row of at least eight.
template <class Score> INLINE uint64_t reaching_some(const Score *z, int64_t count, Score limit)
{
    uint64_t found = 0;
    int64_t c = 0;
    for (; c + 8 <= count; c += 8) found |= (uint64_t)reaching(z + c, limit) << c;
    if (c < count) found |= (uint64_t)(reaching(z + count - 8, limit) >> (c + 8 - count)) << c;
    return found;
}
