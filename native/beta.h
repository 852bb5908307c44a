// The NLL of every row at an inverse temperature beta, and its derivatives with respect to log beta: one pass. The
// results of a row depend on nothing but its own scores, and have the same bits whichever rows stand beside it.

// Of eight rows, of which the first `count` exist: sums over the classes of e = exp(beta d), and of e x, e x^2 and e x^3
// with x = beta d, where d is a score minus the largest of its row; before: the sum of exp(d). t: the label's d.
struct AtBetaEight {
    int count;
    D8 norm, m1, m2, m3, before, t;
};

// Leave the results of the eight rows from row i on. False where a value is NaN.
static bool leave_rows(const AtBeta &job, int64_t i, const AtBetaEight &e)
{
    const D8 zero = D8::all(0.0), beta = D8::all(job.beta);
    if (__builtin_expect((~((e.norm == e.norm) & (e.m1 == e.m1)) & existing(e.count)).any(), 0)) return false;
    const D8 inverse = D8::all(1.0) / e.norm, x = beta * e.t;
    const D8 m1 = e.m1 * inverse, m2 = e.m2 * inverse, m3 = e.m3 * inverse, squares = m1 * m1;
    double *column = job.rows + i;
    store_some(log(e.norm) - x, e.count, column + LOSS * job.n);
    store_some(m1 - x, e.count, column + SLOPE * job.n);
    store_some(larger(m2 - squares, zero), e.count, column + SPREAD * job.n);
    store_some(m1 * (D8::all(3.0) * m2 - D8::all(2.0) * squares) - m3, e.count, column + SKEW * job.n);
    store_some(inverse, e.count, column + SURE * job.n);
    store_some(zero - inverse * m1, e.count, column + RISE * job.n);
    store_some(e.t, e.count, column + LABEL_D * job.n);
    store_some(job.before ? log(e.before) - e.t : zero, e.count, column + LOSS_BEFORE * job.n);
    return true;
}

// The labels' scores of the rows from row i on. False where a label has no probability, or there is no such class.
template <class Score> INLINE bool label_scores(const AtBeta &job, int64_t i, int count, double *out)
{
    if (!job.labels) { memcpy(out, job.of_label + i, count * sizeof(double)); return true; }
    for (int lane = 0; lane < count; lane++) {
        const int64_t label = job.labels[i + lane];
        if (label < 0 || label >= job.k) return false;
        const int64_t at = job.by_class ? label * job.n + i + lane : (i + lane) * job.k + label;
        out[lane] = (double)((const Score *)job.scores)[at];
        if (out[lane] == -__builtin_inf()) return false;
    }
    return true;
}

struct BetaLanes {
    D8 norm, m1, m2, m3, before;
    INLINE BetaLanes() { norm = m1 = m2 = m3 = before = D8::all(0.0); }
    // there: with END, which lanes of the last vector exist.
    template <bool LOW, bool BEFORE, int U, bool END> INLINE void add(D8 (&d)[U], D8 beta, I8 there)
    {
        D8 x[U], e[U];
        UNROLL for (int u = 0; u < U; u++) {
            x[u] = d[u] * beta;
            if (LOW) x[u] = larger(D8::all(LOWEST), x[u]);
            e[u] = x[u];
        }
        exps<LOW>(e);
        if (END) e[U - 1] = real(bits(e[U - 1]) & there);
        UNROLL for (int u = 0; u < U; u++) {
            const D8 first = e[u] * x[u], square = x[u] * x[u];
            norm = norm + e[u];
            m1 = m1 + first;
            m2 = fma(first, x[u], m2);
            m3 = fma(first, square, m3);
        }
        if (!BEFORE) return;
        exps<LOW>(d);
        if (END) d[U - 1] = real(bits(d[U - 1]) & there);
        UNROLL for (int u = 0; u < U; u++) before = before + d[u];
    }
};

template <bool LOW, bool BEFORE, int U, bool END, class Score>
INLINE void some_at_beta(const Row<Score> &row, int64_t c, D8 best, D8 beta, BetaLanes &lanes)
{
    D8 d[U];
    load_some<U, END>(row, c, best, d);
    UNROLL for (int u = 0; u < U; u++) d[u] = d[u] - best;
    lanes.add<LOW, BEFORE, U, END>(d, beta, row.there);
}

// One row with eight classes in the lanes; the sums come eight apart.
template <bool LOW, bool BEFORE, class Score> APART void row_at_beta(const Row<Score> &row, double of_best, double of_beta, double *sums)
{
    const D8 best = D8::all(of_best), beta = D8::all(of_beta);
    BetaLanes lanes;
#define STEP(U, END) some_at_beta<LOW, BEFORE, U, END>(row, c, best, beta, lanes)
    OVER_ROW(SIDE_BY_SIDE, row, STEP)
#undef STEP
    sums[0] = lanes.norm.sum(); sums[8] = lanes.m1.sum(); sums[16] = lanes.m2.sum(); sums[24] = lanes.m3.sum();
    sums[32] = lanes.before.sum();
}

INLINE bool reaches_low(double least, double best, double beta) // whether an exponent may lie below LOWEST
{
    const double d = least - best, steep = beta > 1.0 ? beta : 1.0;
    return !(d * steep > LOWEST + 1.0);
}

template <bool BEFORE, class Score> static Flag many_at_beta(const AtBeta &job)
{
    const int64_t n = job.n, k = job.k;
    const RowsOf<Score> all(job.scores, n, k);
    for (int64_t i = 0; i < n; i += 8) {
        AtBetaEight eight;
        eight.count = n - i < 8 ? (int)(n - i) : 8;
        double sums[5][8], of_label[8] = {0}, best[8] = {0};
        if (!label_scores<Score>(job, i, eight.count, of_label)) return BAD_VALUES;
        for (int lane = 0; lane < 8; lane++) {
            sums[0][lane] = sums[4][lane] = 1.0;
            sums[1][lane] = sums[2][lane] = sums[3][lane] = 0.0;
        }
        for (int lane = 0; lane < eight.count; lane++) {
            const Row<Score> row = all.at(i + lane);
            const Bounds bounds = bounds_of(row.z, k);
            if (!(bounds.best > -__builtin_inf() && bounds.best < __builtin_inf())) return BAD_VALUES;
            if (reaches_low(bounds.least, bounds.best, job.beta))
                row_at_beta<true, BEFORE>(row, bounds.best, job.beta, &sums[0][lane]);
            else
                row_at_beta<false, BEFORE>(row, bounds.best, job.beta, &sums[0][lane]);
            best[lane] = bounds.best;
        }
        eight.norm = D8::load(sums[0]);
        eight.m1 = D8::load(sums[1]); eight.m2 = D8::load(sums[2]); eight.m3 = D8::load(sums[3]);
        eight.before = D8::load(sums[4]);
        eight.t = D8::load(of_label) - D8::load(best);
        if (!leave_rows(job, i, eight)) return BAD_VALUES;
    }
    return DONE;
}

template <bool LOW, bool BEFORE, class Score>
INLINE BetaLanes classes_at_beta(const Score *column, int64_t stride, int64_t k, D8 best, D8 beta)
{
    BetaLanes lanes;
    int64_t c = 0;
    for (; c + SIDE_BY_SIDE <= k; c += SIDE_BY_SIDE) {
        D8 d[SIDE_BY_SIDE];
        UNROLL for (int u = 0; u < SIDE_BY_SIDE; u++) d[u] = D8::load(column + (c + u) * stride) - best;
        lanes.add<LOW, BEFORE, SIDE_BY_SIDE, false>(d, beta, I8::all(0));
    }
    for (; c < k; c++) {
        D8 d[1] = {D8::load(column + c * stride) - best};
        lanes.add<LOW, BEFORE, 1, false>(d, beta, I8::all(0));
    }
    return lanes;
}

// Eight rows in the lanes: their classes are `stride` apart.
template <bool BEFORE, class Score> INLINE Flag columns_at_beta(const AtBeta &job, int64_t i, int count, const Score *column, int64_t stride)
{
    const D8 inf = D8::all(__builtin_inf()), beta = D8::all(job.beta);
    D8 best = D8::load(column), least = best;
    for (int64_t c = 1; c < job.k; c++) {
        D8 z = D8::load(column + c * stride);
        best = larger(z, best);
        least = smaller(z, least);
    }
    if (__builtin_expect((~((best < inf) & (best > D8::all(0.0) - inf))).any(), 0)) return BAD_VALUES;
    const D8 steep = D8::all(job.beta > 1.0 ? job.beta : 1.0);
    const bool ordinary = ((least - best) * steep > D8::all(LOWEST + 1.0)).mask() == 255;
    const BetaLanes lanes = ordinary ? classes_at_beta<false, BEFORE>(column, stride, job.k, best, beta)
                                     : classes_at_beta<true, BEFORE>(column, stride, job.k, best, beta);
    double t[8] = {0};
    if (!label_scores<Score>(job, i, count, t)) return BAD_VALUES;
    const AtBetaEight eight = {count, lanes.norm, lanes.m1, lanes.m2, lanes.m3, lanes.before, D8::load(t) - best};
    return leave_rows(job, i, eight) ? DONE : BAD_VALUES;
}

template <bool BEFORE, class Score> static Flag few_at_beta(const AtBeta &job, Score *tile)
{
    const Score *scores = (const Score *)job.scores;
    for (int64_t start = 0; start < job.n; start += TILE) {
        const int64_t rows = job.n - start < TILE ? job.n - start : TILE;
        const bool as_is = job.by_class && rows == TILE;
        if (job.by_class && !as_is) {
            for (int64_t c = 0; c < job.k; c++)
                for (int64_t r = 0; r < ((rows + 7) & ~7LL); r++)
                    tile[c * TILE + r] = r < rows ? scores[c * job.n + start + r] : (Score)0;
        } else if (!as_is)
            transpose(scores + start * job.k, rows, job.k, tile);
        for (int64_t group = 0; group < rows; group += 8) {
            const int count = rows - group < 8 ? (int)(rows - group) : 8;
            const Flag flag = as_is ? columns_at_beta<BEFORE>(job, start + group, count, scores + start + group, job.n)
                                    : columns_at_beta<BEFORE>(job, start + group, count, tile + group, TILE);
            if (flag != DONE) return flag;
        }
    }
    return DONE;
}

template <class Score> static Flag scores_at_beta(const AtBeta &job)
{
    if (job.k > FEW_CLASSES) {
        if (job.by_class) return REFUSED;
        return job.before ? many_at_beta<true, Score>(job) : many_at_beta<false, Score>(job);
    }
    Score *tile = (Score *)aligned_alloc(64, TILE * job.k * (int64_t)sizeof(Score));
    if (!tile) return REFUSED;
    const Flag flag = job.before ? few_at_beta<true, Score>(job, tile) : few_at_beta<false, Score>(job, tile);
    free(tile);
    return flag;
}

static Flag at_beta(const AtBeta &job, bool of_floats) { return of_floats ? scores_at_beta<float>(job) : scores_at_beta<double>(job); }
