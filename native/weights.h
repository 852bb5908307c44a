// The weights of classes, their exponentials, and sums of their powers: several vectors at a time, side by side, as each
// exponential is a long chain of operations.

// Sums over the classes of a row of weights e and of e z, e z^2 and so on; z is the logarithm of the weight.
struct Powers { double norm, m1, m2, m3, m4; };

struct PowerLanes {
    D8 norm, m1, m2, m3, m4;
    INLINE PowerLanes() { norm = m1 = m2 = m3 = m4 = D8::all(0.0); }
    INLINE void add(D8 e, D8 z)
    {
        const D8 square = z * z, second = e * square;
        m1 = fma(e, z, m1);
        m2 = m2 + second;
        m3 = fma(second, z, m3);
        m4 = fma(second, square, m4);
    }
    INLINE Powers sums() const { return {norm.sum(), m1.sum(), m2.sum(), m3.sum(), m4.sum()}; }
};

// The weights of some vectors of classes, proportional to their probabilities, instead of the scores. base: the largest
// logit. there: with END, which classes of the last vector exist.
template <Kind KIND, bool LOW, int U, bool END> INLINE void weights_of(D8 (&x)[U], D8 base, I8 there, PowerLanes &powers)
{
    const D8 zero = D8::all(0.0), one = D8::all(1.0);
    D8 z[U];
    if (KIND == PROBS) {
        UNROLL for (int u = 0; u < U; u++) {
            powers.norm = powers.norm + x[u];
            x[u] = smaller(larger(x[u], zero), one);
            powers.add(x[u], log(larger(x[u], D8::all(0x1p-1022))));
        }
        return;
    }
    UNROLL for (int u = 0; u < U; u++) {
        if (KIND == LOGITS) x[u] = x[u] - base;
        if (LOW) x[u] = larger(D8::all(LOWEST), x[u]);
        z[u] = x[u];
    }
    exps<LOW>(x);
    if (END) x[U - 1] = real(bits(x[U - 1]) & there);
    UNROLL for (int u = 0; u < U; u++) {
        powers.norm = powers.norm + x[u];
        if (KIND == LOG_PROBS) x[u] = smaller(x[u], one);
        powers.add(x[u], z[u]);
    }
}
template <Kind KIND, bool LOW> INLINE D8 weights_of(D8 scores, D8 base, PowerLanes &powers)
{
    D8 x[1] = {scores};
    weights_of<KIND, LOW, 1, false>(x, base, I8::all(0), powers);
    return x[0];
}

constexpr int SIDE_BY_SIDE = LANES == 8 ? 4 : LANES == 4 ? 2 : 1; // so many registers there are
constexpr int64_t FETCHED_AHEAD = 1 << 14; // bytes: by themselves, processors look no further than a page of memory

template <class Score> INLINE void fetch_ahead_of(const Score *z, int64_t scores)
{
    const char *next = (const char *)((uintptr_t)z + FETCHED_AHEAD);
    for (int64_t at = 0; at < scores * (int64_t)sizeof(Score); at += 64) __builtin_prefetch(next + at);
}

// A row of scores. last: its classes from `full` on, of the last vector, which others follow that may be read but are not
// its own. there: -1 for its own.
template <class Score> struct Row {
    const Score *z, *last;
    int64_t k, full;
    I8 there;
};

// The rows of a chunk, one after another: only the last one is not followed by scores that may be read.
template <class Score> struct RowsOf {
    const Score *scores;
    int64_t n, k, full;
    I8 there;
    Score tail[8];
    INLINE RowsOf(const void *all, int64_t rows, int64_t classes) : scores((const Score *)all), n(rows), k(classes), full(classes & ~7LL)
    {
        there = existing(k > full ? (int)(k - full) : 8);
        for (Score &one : tail) one = 0;
        memcpy(tail, scores + (n - 1) * k + full, (k - full) * sizeof(Score));
    }
    INLINE Row<Score> at(int64_t i) const
    {
        const Score *z = scores + i * k;
        return {z, i < n - 1 ? z + full : tail, k, full, there};
    }
};

// Vectors of classes from class c on; with END, the last of them may lack classes, which are `instead`.
template <int U, bool END, class Score> INLINE void load_some(const Row<Score> &row, int64_t c, D8 instead, D8 (&x)[U])
{
    UNROLL for (int u = 0; u < U; u++) {
        if (END && u == U - 1 && row.full < row.k) x[u] = choose(row.there, D8::load(row.last), instead);
        else x[u] = D8::load(row.z + c + 8 * u);
    }
}

// Call STEP(U, END) for all vectors of a row: U at a time, and the last ones, at most U + 1, in one call.
#define OVER_ROW(U, row, STEP)                                            \
    int64_t c = 0, left = ((row).k + 7) / 8;                              \
    for (; left > (U) + 1; left -= (U), c += 8 * (U)) {                   \
        fetch_ahead_of((row).z + c, 8 * (U));                             \
        STEP((U), false);                                                 \
    }                                                                     \
    switch (left) {                                                       \
    case 5: STEP(((U) >= 4 ? 5 : 1), true); break;                        \
    case 4: STEP(((U) >= 4 ? 4 : 1), true); break;                        \
    case 3: STEP(((U) >= 2 ? 3 : 1), true); break;                        \
    case 2: STEP(2, true); break;                                         \
    default: STEP(1, true);                                               \
    }

template <Kind KIND, bool LOW, int U, bool END, class Score>
INLINE void some_weights(const Row<Score> &row, int64_t c, D8 base, PowerLanes &powers, double *e)
{
    D8 x[U];
    load_some<U, END>(row, c, base, x);
    weights_of<KIND, LOW, U, END>(x, base, row.there, powers);
    UNROLL for (int u = 0; u < U; u++) x[u].store(e + c + 8 * u);
}

// base: the largest logit, or 0.
template <Kind KIND, bool LOW, class Score>
APART void row_weights(const Row<Score> &row, double of_base, double *e, Powers &found)
{
    const D8 base = D8::all(of_base);
    PowerLanes powers;
    constexpr int SIDES = KIND == PROBS ? 1 : SIDE_BY_SIDE;
#define STEP(U, END) some_weights<KIND, LOW, U, END>(row, c, base, powers, e)
    OVER_ROW(SIDES, row, STEP)
#undef STEP
    found = powers.sums();
}
