// What follows from the probabilities of eight rows: their bins, and their part of every sum.

typedef double CellVector __attribute__((vector_size(32), may_alias));

INLINE void put(Cell *cell, double p) { *(CellVector *)cell += (CellVector){1.0, p, p * p, 0.0}; }
INLINE void put(Cell *cell, double p, double w) { *(CellVector *)cell += (CellVector){w, w * p, w * p * p, 1.0}; }

INLINE D8 on_grid(D8 p, double rounder) { return (p + D8::all(rounder)) - D8::all(rounder); }
INLINE double on_grid(double p, double rounder) { return (p + rounder) - rounder; }

// The bin (lower, upper] of p. Edges are i / m but for rounding, so at most one step is needed from the product.
INLINE int64_t bin_of(double p, const double *edges, int64_t m)
{
    int64_t bin = (int64_t)(p * (double)m);
    bin = bin >= m ? m - 1 : bin;
    bin = bin - (p <= edges[bin]) + (p > edges[bin + 1]);
    return bin < 0 ? 0 : bin;
}

// Bins of eight probabilities; only next to an inner edge are the edges themselves compared.
INLINE void bins_of(D8 p, const Job &job, int64_t *out)
{
    const D8 rounder = D8::all(0x1.8p52);
    D8 x = p * D8::all((double)job.m), shifted = x + rounder, nearest = shifted - rounder, off = x - nearest;
    I8 above = off > D8::all(0.0); // -1 where it is
    I8 bin = (bits(shifted) & I8::all(0xffffffff)) - I8::all(1) - above;
    bin = choose(bin < I8::all(0), I8::all(0), bin);
    bin.store(out);
    I8 inner = (nearest > D8::all(0.5)) & (nearest < D8::all((double)job.m - 0.5));
    I8 close = ~(off < D8::all(-job.bin_slack)) & ~(off > D8::all(job.bin_slack)) & inner;
    if (__builtin_expect(close.any(), 0)) {
        double values[8];
        p.store(values);
        for (int lane = 0; lane < 8; lane++) out[lane] = bin_of(values[lane], job.edges, job.m);
    }
}

// Sums of the confidence by bin. Equal cells one after another would wait for each other, so every lane of four has a copy.
constexpr int TOP_COPIES = 4;

INLINE void add_confidence(Cell *table, int64_t m, int lane, int64_t right, int64_t bin, double confidence)
{
    put(table + ((lane & (TOP_COPIES - 1)) * 2 + right) * m + bin, confidence);
}

// Add up the copies: count, p, pp, y, yp of each bin.
INLINE void combine_confidences(const Cell *table, int64_t m, double *top)
{
    for (int64_t bin = 0; bin < m; bin++) {
        CellVector sums[2];
        for (int right = 0; right < 2; right++) {
            sums[right] = (CellVector){0.0, 0.0, 0.0, 0.0};
            for (int copy = 0; copy < TOP_COPIES; copy++) sums[right] += *(const CellVector *)(table + (copy * 2 + right) * m + bin);
        }
        const CellVector both = sums[0] + sums[1];
        const double found[5] = {both[0], both[1], both[2], sums[1][0], sums[1][1]};
        for (int row = 0; row < 5; row++) top[row * m + bin] = found[row];
    }
}

// Results of eight rows, of which the first `count` exist. m1 to m4: means of the logarithm of p up to a constant, z, and
// of its powers, over the classes; label_z: the label's z. right: -1 where the first largest p is the label's.
struct Eight {
    int count;
    D8 confidence, label_p, label_log_p, other_squares, m1, m2, m3, m4, label_z;
    I8 right;
};

struct Running {
    D8 nll, nll_squares, brier, brier_squares, excess, variance, third, fourth;
    INLINE Running()
    {
        nll = nll_squares = brier = brier_squares = excess = variance = third = fourth = D8::all(0.0);
    }
    INLINE void leave(Job &job) const
    {
        D8 all[8] = {nll, nll_squares, brier, brier_squares, excess, variance, third, fourth};
        for (int i = 0; i < 8; i++) job.totals[NLL + i] += all[i].sum();
    }
};

// -1 in the lanes of rows that exist.
INLINE I8 existing(int count)
{
    static const int64_t steps[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
    return I8::load(steps + 8 - count);
}

INLINE void store_some(D8 values, int count, double *out)
{
    if (count == 8) { values.store(out); return; }
    double all[8];
    values.store(all);
    memcpy(out, all, count * sizeof(double));
}

// Add the eight rows from row i on to the totals; label_p and confidence come back rounded to the grid.
template <bool WEIGHTED> APART void add_totals(Job &job, int64_t i, Eight &e, Running &running)
{
    const D8 zero = D8::all(0.0), inf = D8::all(__builtin_inf());
    D8 nll = larger(zero - e.label_log_p, zero);
    if (job.on_grid != 0.0) {
        e.confidence = on_grid(e.confidence, job.on_grid);
        e.label_p = on_grid(e.label_p, job.on_grid);
    }
    D8 missing = D8::all(1.0) - e.label_p, brier = missing * missing + e.other_squares;
    D8 squares = e.m1 * e.m1, excess = e.m1 - e.label_z;
    D8 variance = larger(e.m2 - squares, zero);
    D8 third = e.m1 * (D8::all(3.0) * e.m2 - D8::all(2.0) * squares) - e.m3;
    D8 fourth = e.m4 - (D8::all(4.0) * e.m1 * e.m3 - D8::all(12.0) * squares * e.m2 + D8::all(3.0) * e.m2 * e.m2 +
                        D8::all(6.0) * squares * squares);
    if (job.rows) {
        double *column = job.rows + i;
        store_some(e.confidence, e.count, column + CONFIDENCE * job.n);
        store_some(e.label_p, e.count, column + LABEL_P * job.n);
        store_some(zero - nll, e.count, column + LABEL_LOG_P * job.n);
        store_some(e.other_squares, e.count, column + OTHER_SQUARES * job.n);
        store_some(excess, e.count, column + ROW_EXCESS * job.n);
    }
    I8 lost = nll == inf;
    if (__builtin_expect(e.count < 8 || lost.any(), 0)) {
        I8 there = existing(e.count);
        unsigned impossible = (lost & there).mask();
        if (impossible) {
            if (job.totals[IMPOSSIBLE] == 0.0) job.totals[FIRST_IMPOSSIBLE] = (double)(i + __builtin_ctz(impossible));
            job.totals[IMPOSSIBLE] += __builtin_popcount(impossible);
        }
        nll = choose(lost | ~there, zero, nll);
        brier = choose(there, brier, zero);
        excess = choose(there, excess, zero);
        variance = choose(there, variance, zero);
        third = choose(there, third, zero);
        fourth = choose(there, fourth, zero);
    }
    if (WEIGHTED) {
        double own[8] = {0};
        memcpy(own, job.weights + i, e.count * sizeof(double));
        D8 w = D8::load(own), w2 = w * w;
        excess = w * excess; variance = w2 * variance; third = w2 * w * third; fourth = w2 * w2 * fourth;
    }
    running.nll = running.nll + nll;
    running.nll_squares = fma(nll, nll, running.nll_squares);
    running.brier = running.brier + brier;
    running.brier_squares = fma(brier, brier, running.brier_squares);
    running.excess = running.excess + excess;
    running.variance = running.variance + variance;
    running.third = running.third + third;
    running.fourth = running.fourth + fourth;
}

INLINE void store_keys(Job &job, int64_t i, const Eight &e)
{
    int64_t keys[8];
    ((bits(e.confidence) << 1) | (e.right & I8::all(1))).store(keys);
    memcpy(job.keys + i, keys, e.count * sizeof(int64_t));
}

// Add the eight rows from row i on to all sums.
template <bool WEIGHTED> APART void add_rows(Job &job, int64_t i, Eight &e, Running &running)
{
    add_totals<WEIGHTED>(job, i, e, running);
    store_keys(job, i, e);
    if (WEIGHTED) return; // these bins are made of single rows
    int64_t right[8], bin[8];
    double confidence[8], p[8];
    bins_of(e.label_p, job, bin);
    (e.right & I8::all(1)).store(right);
    e.confidence.store(confidence);
    e.label_p.store(p);
    for (int lane = 0; lane < e.count; lane++) {
        put(job.label + (right[lane] * job.k + job.labels[i + lane]) * job.m + bin[lane], p[lane]);
        const int64_t own = right[lane] ? bin[lane] : bin_of(confidence[lane], job.edges, job.m);
        add_confidence(job.confident, job.m, lane, right[lane], own, confidence[lane]);
    }
}

// A probability of another class than the label that is above the first bin, of this row.
template <bool WEIGHTED> APART void add_other(Job &job, int64_t row, int64_t c, double p)
{
    if (job.on_grid != 0.0) p = on_grid(p, job.on_grid);
    int64_t cell = c * job.m + bin_of(p, job.edges, job.m);
    if (WEIGHTED) {
        double w = job.weights[row];
        put(job.other + cell, p, w);
        put(job.other_squared + cell, p, w * w);
    } else
        put(job.other + cell, p);
}

// Add up results of rows that were kept, in the order in which the rows themselves are added. table: null, or of the
// confidence.
static void add_kept(const KeptRows &rows, Cell *table)
{
    const D8 zero = D8::all(0.0), inf = D8::all(__builtin_inf());
    D8 sums[4] = {zero, zero, zero, zero};
    for (int64_t i = 0; i < rows.n; i += 8) {
        const int count = rows.n - i < 8 ? (int)(rows.n - i) : 8;
        double own_nll[8] = {0}, own_brier[8] = {0};
        memcpy(own_nll, rows.nll + i, count * sizeof(double));
        memcpy(own_brier, rows.brier + i, count * sizeof(double));
        D8 nll = D8::load(own_nll), brier = D8::load(own_brier);
        nll = choose(nll == inf, zero, nll);
        sums[NLL] = sums[NLL] + nll;
        sums[NLL_SQUARES] = fma(nll, nll, sums[NLL_SQUARES]);
        sums[BRIER] = sums[BRIER] + brier;
        sums[BRIER_SQUARES] = fma(brier, brier, sums[BRIER_SQUARES]);
        for (int lane = 0; table && lane < count; lane++) {
            const double c = rows.confidence[i + lane];
            add_confidence(table, rows.m, lane, rows.correct[i + lane] != 0, bin_of(c, rows.edges, rows.m), c);
        }
    }
    for (int i = 0; i < 4; i++) rows.totals[i] = sums[i].sum();
}
