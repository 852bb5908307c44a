// Many classes: row by row, with eight classes in the lanes. The sums by class take several rows at a time.

constexpr int ROWS_AT_ONCE = 2;

struct Bounds { double least, best; };

// The least and the largest score of a row, without NaN; a row without eight classes has its last ones in `tail`.
INLINE Bounds bounds_of(const float *z, const float *tail, int64_t full)
{
    Floats best = *(const EightLoose *)tail, second = best, least = (Floats){} + __builtin_inff();
    int64_t c = 0;
    for (; c + 16 <= full; c += 16) {
        Floats f = *(const EightLoose *)(z + c), g = *(const EightLoose *)(z + c + 8);
        best = f > best ? f : best;
        second = g > second ? g : second;
        least = f < least ? f : least;
        least = g < least ? g : least;
    }
    for (; c < full; c += 8) {
        Floats f = *(const EightLoose *)(z + c);
        best = f > best ? f : best;
        least = f < least ? f : least;
    }
    best = best > second ? best : second;
    Bounds found = {least[0], best[0]};
    for (int lane = 1; lane < 8; lane++) {
        found.best = best[lane] > found.best ? best[lane] : found.best;
        found.least = least[lane] < found.least ? least[lane] : found.least;
    }
    return found;
}

INLINE Bounds bounds_of(const double *z, const double *tail, int64_t full)
{
    D8 best = D8::load(tail), least = D8::all(__builtin_inf());
    for (int64_t c = 0; c < full; c += 8) {
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
INLINE bool any_of_32(const float *z, float limit)
{
    const Floats near = (Floats){} + limit;
    return mask_of((FloatMask)(*(const EightLoose *)z >= near) | (FloatMask)(*(const EightLoose *)(z + 8) >= near) |
                   (FloatMask)(*(const EightLoose *)(z + 16) >= near) | (FloatMask)(*(const EightLoose *)(z + 24) >= near));
}
INLINE bool any_of_32(const double *z, double limit)
{
    const D8 near = D8::all(limit);
    return ((D8::load(z) >= near) | (D8::load(z + 8) >= near) | (D8::load(z + 16) >= near) | (D8::load(z + 24) >= near)).any();
}

// Sums over the classes of a row of weights e and of e z, e z^2 and so on; z is the logarithm of the weight.
struct Powers { double norm, m1, m2, m3, m4; };

struct PowerLanes {
    D8 norm, m1, m2, m3, m4;
    INLINE PowerLanes() { norm = m1 = m2 = m3 = m4 = D8::all(0.0); }
    INLINE void add(D8 e, D8 z)
    {
        D8 first = e * z, square = z * z;
        m1 = m1 + first;
        m2 = fma(first, z, m2);
        m3 = fma(first, square, m3);
        m4 = fma(e * square, square, m4);
    }
    INLINE Powers sums() const { return {norm.sum(), m1.sum(), m2.sum(), m3.sum(), m4.sum()}; }
};

// The weights of eight classes, proportional to their probabilities. base: the largest logit.
template <Kind KIND, bool LOW> INLINE D8 weights_of(D8 scores, D8 base, PowerLanes &powers)
{
    const D8 zero = D8::all(0.0), one = D8::all(1.0);
    if (KIND == PROBS) {
        powers.norm = powers.norm + scores;
        D8 p = smaller(larger(scores, zero), one);
        powers.add(p, log(larger(p, D8::all(0x1p-1022))));
        return p;
    }
    D8 z = KIND == LOGITS ? scores - base : scores;
    if (LOW) z = larger(D8::all(LOWEST), z);
    D8 e = exp<LOW>(z);
    powers.norm = powers.norm + e;
    if (KIND == LOG_PROBS) e = smaller(e, one);
    powers.add(e, z);
    return e;
}

template <Kind KIND, bool LOW, class Score>
INLINE Powers row_weights(const Score *z, const Score *tail, double best, double *e, int64_t full, int64_t k)
{
    const D8 base = D8::all(best);
    PowerLanes powers;
    for (int64_t c = 0; c < full; c += 8) weights_of<KIND, LOW>(D8::load(z + c), base, powers).store(e + c);
    if (full < k) weights_of<KIND, true>(D8::load(tail), base, powers).store(e + full);
    return powers.sums();
}

// Whether probabilities and their sum are what rounding allows. Sums at the limit are left to numpy, which decides.
constexpr double CLEARLY = 1.0 - 1e-9;
INLINE bool adds_up(const Job &job, double least, double most, double norm)
{
    const double allowed = job.of_sum * CLEARLY;
    return least >= -job.spare && most <= 1.0 + job.spare * CLEARLY && norm - 1.0 <= allowed && 1.0 - norm <= allowed;
}

// At most log x, and at least log x - ln 2, for x >= 1.
INLINE double log_below(double x)
{
    uint64_t pattern;
    memcpy(&pattern, &x, sizeof x);
    return (double)((int64_t)(pattern >> 52) - 1023) * 0x1.62e42fefa39efp-1;
}

// Add the probabilities of two rows to the sums by class; the sums of their squares are stored. The weights of a row
// that does not exist are scaled by 0.
template <bool WEIGHTED>
INLINE void add_columns(Job &job, const double *buffer, int64_t row, int rows, const double *scale, double *squares)
{
    const int64_t padded = (job.k + 7) & ~7LL;
    const D8 scale0 = D8::all(scale[0]), scale1 = D8::all(scale[1]);
    double *column_p = job.column_p, *column_pp = job.column_pp;
    double *column_p2 = column_p + padded, *column_pp2 = column_pp + padded;
    const double w0 = WEIGHTED ? job.weights[row] : 1.0, w1 = WEIGHTED && rows > 1 ? job.weights[row + 1] : 1.0;
    D8 squares0 = D8::all(0.0), squares1 = squares0;
    for (int64_t c = 0; c < padded; c += 8) {
        const D8 p = D8::load(buffer + c) * scale0, q = D8::load(buffer + padded + c) * scale1;
        squares0 = fma(p, p, squares0);
        squares1 = fma(q, q, squares1);
        if (WEIGHTED) {
            const D8 wp = D8::all(w0) * p, wq = D8::all(w1) * q;
            (fma(D8::all(w0), p, fma(D8::all(w1), q, D8::load(column_p + c)))).store(column_p + c);
            (fma(wp, p, fma(wq, q, D8::load(column_pp + c)))).store(column_pp + c);
            (fma(D8::all(w0), wp, fma(D8::all(w1), wq, D8::load(column_p2 + c)))).store(column_p2 + c);
            (fma(wp, wp, fma(wq, wq, D8::load(column_pp2 + c)))).store(column_pp2 + c);
        } else {
            ((D8::load(column_p + c) + p) + q).store(column_p + c);
            fma(q, q, fma(p, p, D8::load(column_pp + c))).store(column_pp + c);
        }
    }
    squares[0] = squares0.sum();
    if (rows > 1) squares[1] = squares1.sum();
}

template <Kind KIND, bool WEIGHTED, class Score> static Flag many(Job &job, double *buffer)
{
    const int64_t n = job.n, k = job.k, padded = (k + 7) & ~7LL, full = k & ~7LL;
    const double first_edge = job.edges[1];
    const double margin = sizeof(Score) == 4 ? 0x1p-22 : 0x1p-50; // of the scores' own rounding
    const double nearest = __builtin_log(first_edge) - 1e-5; // e above the first edge needs a logit this near the best
    const Score inf = (Score)__builtin_inf(), nothing = KIND == PROBS ? (Score)0 : -inf;
    Running running;
    Score tail[8];
    for (int lane = 0; lane < 8; lane++) tail[lane] = nothing;
    const Score *scores = (const Score *)job.scores;
    for (int64_t i = 0; i < n; i += 8) {
        const int count = n - i < 8 ? (int)(n - i) : 8;
        double confidence[8], label_p[8], other_squares[8], label_z[8], label_score[8], norm[8], m1[8], m2[8], m3[8], m4[8];
        int64_t right[8];
        for (int lane = 0; lane < 8; lane++) {
            confidence[lane] = label_p[lane] = norm[lane] = label_score[lane] = 1.0;
            other_squares[lane] = label_z[lane] = m1[lane] = m2[lane] = m3[lane] = m4[lane] = 0.0;
            right[lane] = 0;
        }
        for (int start = 0; start < count; start += ROWS_AT_ONCE) {
            const int rows = count - start < ROWS_AT_ONCE ? count - start : ROWS_AT_ONCE;
            double scale[ROWS_AT_ONCE] = {0};
            for (int r = 0; r < rows; r++) {
                const int lane = start + r;
                const Score *z = scores + (i + lane) * k;
                const int64_t label = job.labels[i + lane];
                double *e = buffer + r * padded;
                for (int64_t c = full; c < k; c++) tail[c - full] = z[c];
                Bounds bounds = bounds_of(z, tail, full);
                for (int64_t c = full; c < k; c++) bounds.least = z[c] < bounds.least ? z[c] : bounds.least;
                if (!(bounds.best > -__builtin_inf() && bounds.best < __builtin_inf())) return BAD_VALUES;
                if (KIND == LOG_PROBS && bounds.best > 0.5) return BAD_VALUES;
                const double base = KIND == LOGITS ? bounds.best : 0.0;
                const Powers sums = KIND == PROBS || bounds.least > base + LOWEST + 1.0
                                        ? row_weights<KIND, false>(z, tail, base, e, full, k)
                                        : row_weights<KIND, true>(z, tail, base, e, full, k);
                if (!(sums.norm == sums.norm && sums.m1 == sums.m1)) return BAD_VALUES; // a NaN among them
                double in = 1.0;
                if (KIND == LOGITS) {
                    in = 1.0 / sums.norm;
                    confidence[lane] = in;
                    label_z[lane] = (double)z[label] - bounds.best;
                } else {
                    double most = bounds.best, least = bounds.least;
                    if (KIND == LOG_PROBS) {
                        double x[8];
                        exp<true>(D8::all(bounds.best)).store(x);
                        most = x[0];
                        least = 0.0;
                    }
                    if (!adds_up(job, least, most, sums.norm)) return BAD_VALUES;
                    confidence[lane] = most < 1.0 ? most : 1.0;
                    label_z[lane] = z[label];
                }
                scale[r] = in;
                norm[lane] = sums.norm;
                label_p[lane] = e[label] * in;
                m1[lane] = sums.m1 * in; m2[lane] = sums.m2 * in; m3[lane] = sums.m3 * in; m4[lane] = sums.m4 * in;
                const bool best_label = z[label] == bounds.best;
                e[label] = 0.0;
                const double reach = KIND == LOGITS ? bounds.best + nearest + log_below(sums.norm) - __builtin_fabs(bounds.best) * margin
                                     : KIND == LOG_PROBS ? nearest : first_edge;
                // A tie of the label with an earlier class may lie below the first edge.
                const Score limit = (Score)(reach < bounds.best ? reach * (1.0 - (reach > 0 ? margin : -margin)) : bounds.best);
                bool earlier = false;
                int64_t c = 0;
                for (; c < full; c += 8) {
                    if (c + 32 <= full && !any_of_32(z + c, limit)) { c += 24; continue; }
                    unsigned found = reaching(z + c, limit);
                    while (found) {
                        const int64_t at = c + __builtin_ctz(found);
                        found &= found - 1;
                        earlier |= at < label && z[at] == bounds.best;
                        const double p = e[at] * in;
                        if (p > first_edge) add_other<WEIGHTED>(job, i + lane, at, p);
                    }
                }
                for (; c < k; c++) {
                    earlier |= c < label && z[c] == bounds.best;
                    const double p = e[c] * in;
                    if (p > first_edge) add_other<WEIGHTED>(job, i + lane, c, p);
                }
                right[lane] = best_label && !earlier ? -1 : 0;
            }
            add_columns<WEIGHTED>(job, buffer, i + start, rows, scale, other_squares + start);
        }
        Eight eight;
        eight.count = count;
        eight.confidence = D8::load(confidence);
        eight.label_p = D8::load(label_p);
        eight.other_squares = D8::load(other_squares);
        eight.m1 = D8::load(m1); eight.m2 = D8::load(m2); eight.m3 = D8::load(m3); eight.m4 = D8::load(m4);
        eight.label_z = D8::load(label_z);
        eight.right = I8::load(right);
        if (KIND == LOGITS) eight.label_log_p = eight.label_z - log(D8::load(norm));
        else if (KIND == LOG_PROBS) eight.label_log_p = eight.label_z;
        else eight.label_log_p = eight.label_z = log_of_any(smaller(larger(eight.label_z, D8::all(0.0)), D8::all(1.0)));
        add_rows<WEIGHTED>(job, i, eight, running);
    }
    running.leave(job);
    return DONE;
}
