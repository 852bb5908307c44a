// Two classes of float logits without weights: one exponential a row. On the grid, the smaller probability q is 1 minus
// the larger one c, and its bin is the mirror image of the other's, so sums of q and of its square, by rightness, label
// and bin, make up every sum of c, too.

typedef double PairVector __attribute__((vector_size(16), may_alias)); // q and its square

// odd: where c is an edge, which belongs to the bin below it, the bin of q is the one below the mirror image.
struct Pairs {
    double *sums;     // (PAIR_COPIES, odd, right, label, m) pairs
    uint32_t *counts; // likewise
};
constexpr int64_t PAIR_COPIES = 4, MOST_PAIR_BINS = 1024; // see TOP_COPIES
constexpr int64_t PAIR_BYTES = PAIR_COPIES * 8 * (int64_t)(sizeof(PairVector) + sizeof(uint32_t)); // for each bin

// Whether edges are mirror images of each other, exactly.
static bool mirrored(const double *edges, int64_t m)
{
    if (m > MOST_PAIR_BINS) return false;
    for (int64_t i = 0; i <= m; i++)
        if (edges[i] + edges[m - i] != 1.0) return false;
    return true;
}

// The places of eight rows of which some c is close to an edge. starts: of their bins.
APART void pairs_by_edges(D8 c, const double *edges, int64_t m, I8 starts, int64_t *at)
{
    double values[8];
    c.store(values);
    starts.store(at);
    for (int lane = 0; lane < 8; lane++) {
        const int64_t bin = bin_of(values[lane], edges, m);
        const bool odd = bin + 1 < m && values[lane] == edges[bin + 1];
        at[lane] += bin + (odd ? 4 * m : 0);
    }
}

// Adds rows to the tables, eight at a time.
struct PairAdder {
    Pairs tables;
    const double *edges;
    int64_t m;
    double slack;
    I8 copies;
    INLINE PairAdder(Pairs tables, const double *edges, int64_t m, double slack) : tables(tables), edges(edges), m(m), slack(slack)
    {
        int64_t starts[8];
        for (int lane = 0; lane < 8; lane++) starts[lane] = (lane & (PAIR_COPIES - 1)) * 8 * m;
        copies = I8::load(starts);
    }
    // right: -1 or 0. label: 0 or 1. count: how many rows exist.
    INLINE void add(D8 c, D8 q, I8 right, I8 label, int count) const
    {
        const D8 rounder = D8::all(0x1.8p52);
        D8 x = c * D8::all((double)m), shifted = x + rounder, nearest = shifted - rounder, off = x - nearest;
        I8 start = copies + (right & I8::all(2 * m)) + ((I8::all(0) - label) & I8::all(m)), above = off > D8::all(0.0);
        int64_t at[8];
        (start + (bits(shifted) & I8::all(0xffffffff)) - I8::all(1) - above).store(at);
        I8 close = ~(off < D8::all(-slack)) & ~(off > D8::all(slack)) & (nearest < D8::all((double)m - 0.5));
        if (__builtin_expect(close.any(), 0)) pairs_by_edges(c, edges, m, start, at);
        double pairs[16];
        interleave(q, q * q, pairs);
#pragma GCC unroll 8
        for (int lane = 0; lane < count; lane++) {
            *((PairVector *)tables.sums + at[lane]) += *(const PairVector *)(pairs + place_of(lane));
            tables.counts[at[lane]]++;
        }
    }
    // Where `interleave` puts the pair of a lane.
    static INLINE constexpr int place_of(int lane) { return 2 * (lane / LANES * LANES + (lane & 1) * (LANES / 2) + lane % LANES / 2); }
    static INLINE void interleave(D8 a, D8 b, double *out)
    {
        EACH_PART {
#if (defined(__clang__) || __GNUC__ >= 12) && LANES == 8
            *(LooseReals *)(out + 16 * part) = __builtin_shufflevector(a.v[part], b.v[part], 0, 8, 2, 10, 4, 12, 6, 14);
            *(LooseReals *)(out + 16 * part + 8) = __builtin_shufflevector(a.v[part], b.v[part], 1, 9, 3, 11, 5, 13, 7, 15);
#elif (defined(__clang__) || __GNUC__ >= 12) && LANES == 4
            *(LooseReals *)(out + 8 * part) = __builtin_shufflevector(a.v[part], b.v[part], 0, 4, 2, 6);
            *(LooseReals *)(out + 8 * part + 4) = __builtin_shufflevector(a.v[part], b.v[part], 1, 5, 3, 7);
#else
            for (int lane = 0; lane < LANES; lane++) {
                out[place_of(part * LANES + lane)] = a.v[part][lane];
                out[place_of(part * LANES + lane) + 1] = b.v[part][lane];
            }
#endif
        }
    }
};

// The sum over the copies: how many rows, q, and q squared.
INLINE Cell pair_at(const Pairs &pairs, int64_t m, int64_t at)
{
    PairVector sums = {0.0, 0.0};
    double count = 0.0;
    for (int64_t copy = 0; copy < PAIR_COPIES; copy++) {
        sums += *((const PairVector *)pairs.sums + copy * 8 * m + at);
        count += (double)pairs.counts[copy * 8 * m + at];
    }
    return {count, sums[0], sums[1], 0.0};
}

INLINE void add_cell(Cell *cell, const Cell &more) { *(CellVector *)cell += *(const CellVector *)&more; }

// From the tables into those of the label, of the other class (unless null), and of the confidence.
static void leave_pairs(const Pairs &pairs, int64_t m, Cell *label, Cell *other, Cell *confident)
{
    for (int64_t at = 0; at < 8 * m; at++) {
        const int64_t bin = at % m, y = at / m & 1, right = at / m >> 1 & 1, mirror = m - 1 - bin - (at >= 4 * m);
        const Cell low = pair_at(pairs, m, at);
        if (low.count == 0.0) continue;
        const Cell high = {low.count, low.count - low.p, (low.count - 2.0 * low.p) + low.pp, 0.0};
        add_cell(confident + right * m + bin, high);
        if (!label) continue;
        add_cell(label + (right * 2 + y) * m + (right ? bin : mirror), right ? high : low);
        add_cell(other + (1 - y) * m + (right ? mirror : bin), right ? low : high);
    }
}

// Eight rows, of which `count` exist.
INLINE Flag two_rows(Job &job, int64_t i, int count, const float *scores, const int64_t *labels, const PairAdder &pairs,
                     Running &running)
{
    const D8 zero = D8::all(0.0), one = D8::all(1.0), inf = D8::all(__builtin_inf());
    Floats u = *(const EightLoose *)scores, v = *(const EightLoose *)(scores + 8);
    D8 z0 = D8::of(SHUFFLE(u, v, 0, 2, 4, 6, 8, 10, 12, 14)), z1 = D8::of(SHUFFLE(u, v, 1, 3, 5, 7, 9, 11, 13, 15));
    I8 second = z1 > z0;
    D8 best = choose(second, z1, z0), less = choose(second, z0, z1), distance = less - best;
    if (__builtin_expect((~((best < inf) & (distance == distance))).any(), 0)) return BAD_VALUES;
    I8 label = I8::load(labels);
    if (__builtin_expect((label & ~I8::all(1)).any(), 0)) return REFUSED;
    D8 far = larger(D8::all(LOWEST), distance);
    D8 e = exp<true>(distance), norm = one + e, c = one / norm, q = e * c;
    I8 right = (second & I8::all(1)) == label;
    D8 label_z = choose(right, zero, distance), label_log_p = label_z - log_up_to_two(norm);
    D8 nll = larger(zero - label_log_p, zero), other = choose(right, q, c), other_squares = other * other;
    // Cumulants of a loss that has two values.
    D8 square = far * far, m1 = q * far, excess = m1 - label_z, spread = q * c, variance = spread * square;
    D8 third = (q - c) * far * variance, fourth = (one - D8::all(6.0) * spread) * square * variance;
    c = on_grid(c, job.on_grid);
    q = one - c;
    other = choose(right, q, c);
    D8 brier = other * other + other_squares;
    if (__builtin_expect(job.rows != nullptr, 0)) {
        double *column = job.rows + i;
        store_some(c, count, column + CONFIDENCE * job.n);
        store_some(choose(right, c, q), count, column + LABEL_P * job.n);
        store_some(zero - nll, count, column + LABEL_LOG_P * job.n);
        store_some(other_squares, count, column + OTHER_SQUARES * job.n);
        store_some(excess, count, column + ROW_EXCESS * job.n);
    }
    I8 lost = nll == inf;
    if (__builtin_expect(lost.any(), 0)) {
        unsigned impossible = (lost & existing(count)).mask();
        if (impossible && job.totals[IMPOSSIBLE] == 0.0) job.totals[FIRST_IMPOSSIBLE] = (double)(i + __builtin_ctz(impossible));
        job.totals[IMPOSSIBLE] += __builtin_popcount(impossible);
        nll = choose(lost, zero, nll);
    }
    if (count < 8) {
        I8 there = existing(count);
        nll = choose(there, nll, zero); brier = choose(there, brier, zero); excess = choose(there, excess, zero);
        variance = choose(there, variance, zero); third = choose(there, third, zero); fourth = choose(there, fourth, zero);
    }
    running.nll = running.nll + nll;
    running.nll_squares = fma(nll, nll, running.nll_squares);
    running.brier = running.brier + brier;
    running.brier_squares = fma(brier, brier, running.brier_squares);
    running.excess = running.excess + excess;
    running.variance = running.variance + variance;
    running.third = running.third + third;
    running.fourth = running.fourth + fourth;
    I8 keys = (bits(c) << 1) | (right & I8::all(1));
    if (count == 8) keys.store((int64_t *)job.keys + i);
    else {
        int64_t some[8];
        keys.store(some);
        memcpy(job.keys + i, some, count * sizeof(int64_t));
    }
    pairs.add(c, q, right, label, count);
    return DONE;
}

static Flag two(Job &job, const Pairs &tables)
{
    const int64_t n = job.n, whole = n & ~7LL;
    const PairAdder pairs(tables, job.edges, job.m, job.bin_slack);
    const float *scores = (const float *)job.scores;
    Running running;
    for (int64_t i = 0; i < whole; i += 8) {
        const Flag flag = two_rows(job, i, 8, scores + 2 * i, job.labels + i, pairs, running);
        if (__builtin_expect(flag != DONE, 0)) return flag;
    }
    if (whole < n) {
        float some[16] = {0};
        int64_t labels[8] = {0};
        memcpy(some, scores + 2 * whole, (n - whole) * 2 * sizeof(float));
        memcpy(labels, job.labels + whole, (n - whole) * sizeof(int64_t));
        const Flag flag = two_rows(job, whole, (int)(n - whole), some, labels, pairs, running);
        if (flag != DONE) return flag;
    }
    running.leave(job);
    leave_pairs(tables, job.m, job.label, job.other, job.confident);
    return DONE;
}

// The same sums of the confidence from results of rows that were kept.
static void add_kept_pairs(const KeptRows &rows, const Pairs &tables, double slack, Cell *confident)
{
    const PairAdder pairs(tables, rows.edges, rows.m, slack);
    for (int64_t i = 0; i < rows.n; i += 8) {
        const int count = rows.n - i < 8 ? (int)(rows.n - i) : 8;
        double own[8] = {0};
        int64_t right[8] = {0}, label[8] = {0};
        for (int lane = 0; lane < count; lane++) {
            own[lane] = rows.confidence[i + lane];
            right[lane] = -(int64_t)(rows.correct[i + lane] != 0);
            label[lane] = rows.labels[i + lane] & 1;
        }
        const D8 c = D8::load(own);
        pairs.add(c, D8::all(1.0) - c, I8::load(right), I8::load(label), count);
    }
    leave_pairs(tables, rows.m, nullptr, nullptr, confident);
}
