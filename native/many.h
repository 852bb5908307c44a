// Many classes: row by row, with eight classes in the lanes. The sums by class take several rows at a time.

constexpr int ROWS_AT_ONCE = 2;

// Whether probabilities and their sum are what rounding allows. Sums at the limit are left to numpy, which decides.
constexpr double CLEARLY = 1.0 - 1e-9;
INLINE bool adds_up(const Job &job, double least, double most, double norm)
{
    const double allowed = job.of_sum * CLEARLY;
    return least >= -job.spare && most <= 1.0 + job.spare * CLEARLY && norm - 1.0 <= allowed && 1.0 - norm <= allowed;
}

// Add the probabilities of some rows to the sums by class; the sums of their squares are stored, and which classes are
// above the first bin, a bit for each, with the bytes of the rows side by side. The weights of a row that does not exist
// are scaled by 0.
template <bool WEIGHTED>
INLINE void add_columns(Job &job, const double *buffer, int64_t row, int rows, const double *scale, double *squares, uint8_t *above)
{
    const int64_t padded = (job.k + 7) & ~7LL;
    const D8 first_edge = D8::all(job.edges[1]);
    D8 scales[ROWS_AT_ONCE], sums[ROWS_AT_ONCE], weights[ROWS_AT_ONCE];
    double *column_p = job.column_p, *column_pp = job.column_pp;
    double *column_p2 = column_p + padded, *column_pp2 = column_pp + padded;
    UNROLL for (int r = 0; r < ROWS_AT_ONCE; r++) {
        scales[r] = D8::all(scale[r]);
        sums[r] = D8::all(0.0);
        if (WEIGHTED) weights[r] = D8::all(r < rows ? job.weights[row + r] : 1.0);
    }
    for (int64_t c = 0; c < padded; c += 8) {
        D8 all_p = D8::load(column_p + c), all_pp = D8::load(column_pp + c), all_p2, all_pp2;
        if (WEIGHTED) { all_p2 = D8::load(column_p2 + c); all_pp2 = D8::load(column_pp2 + c); }
        UNROLL for (int r = 0; r < ROWS_AT_ONCE; r++) {
            const D8 p = D8::load(buffer + r * padded + c) * scales[r];
            above[ROWS_AT_ONCE * c / 8 + r] = (uint8_t)(p > first_edge).mask();
            sums[r] = fma(p, p, sums[r]);
            if (WEIGHTED) {
                const D8 wp = weights[r] * p;
                all_p = fma(weights[r], p, all_p);
                all_pp = fma(wp, p, all_pp);
                all_p2 = fma(weights[r], wp, all_p2);
                all_pp2 = fma(wp, wp, all_pp2);
            } else {
                all_p = all_p + p;
                all_pp = fma(p, p, all_pp);
            }
        }
        all_p.store(column_p + c);
        all_pp.store(column_pp + c);
        if (WEIGHTED) { all_p2.store(column_p2 + c); all_pp2.store(column_pp2 + c); }
    }
    for (int r = 0; r < rows; r++) squares[r] = sums[r].sum();
}

// Probabilities of other classes than the label that are above the first bin, which are added eight at a time.
struct Above {
    static constexpr int MOST = 32;
    double p[MOST];
    int64_t row[MOST], c[MOST];
    int count = 0;
    template <bool WEIGHTED> INLINE void note(Job &job, int64_t of_row, int64_t at, double of_p)
    {
        p[count] = of_p;
        row[count] = of_row;
        c[count] = at;
        count++;
        if (__builtin_expect(count == MOST, 0)) add_all<WEIGHTED>(job);
    }
    template <bool WEIGHTED> __attribute__((noinline)) void add_all(Job &job)
    {
        int64_t bin[8];
        double rounded[8];
        for (int start = 0; start < count; start += 8) {
            for (int i = count; i < start + 8; i++) p[i] = 1.0;
            D8 all = D8::load(p + start);
            if (job.on_grid != 0.0) all = on_grid(all, job.on_grid);
            all.store(rounded);
            bins_of(all, job, bin);
            for (int i = 0; i < 8 && start + i < count; i++) {
                const int64_t cell = c[start + i] * job.m + bin[i];
                if (WEIGHTED) {
                    const double w = job.weights[row[start + i]];
                    put(job.other + cell, rounded[i], w);
                    put(job.other_squared + cell, rounded[i], w * w);
                } else
                    put(job.other + cell, rounded[i]);
            }
        }
        count = 0;
    }
};

// Whether a class before the label has the largest score, too.
template <class Score> INLINE bool has_earlier(const Score *z, int64_t label, Score best)
{
    int64_t c = 0;
    for (; c + 8 <= label; c += 8)
        if (reaching(z + c, best)) return true;
    for (; c < label; c++)
        if (z[c] == best) return true;
    return false;
}

template <Kind KIND, bool WEIGHTED, class Score> static Flag many(Job &job, double *buffer)
{
    const int64_t n = job.n, k = job.k, padded = (k + 7) & ~7LL;
    uint8_t *above_first = (uint8_t *)(buffer + ROWS_AT_ONCE * padded);
    const int64_t bytes = ROWS_AT_ONCE * padded / 8;
    const RowsOf<Score> all(job.scores, n, k);
    const Score *scores = (const Score *)job.scores;
    Running running;
    Above above;
    for (int64_t i = 0; i < n; i += 8) {
        const int count = n - i < 8 ? (int)(n - i) : 8;
        double confidence[8], label_p[8], other_squares[8], label_z[8], norm[8], m1[8], m2[8], m3[8], m4[8];
        int64_t right[8];
        for (int lane = 0; lane < 8; lane++) {
            confidence[lane] = label_p[lane] = norm[lane] = 1.0;
            other_squares[lane] = label_z[lane] = m1[lane] = m2[lane] = m3[lane] = m4[lane] = 0.0;
            right[lane] = 0;
        }
        for (int start = 0; start < count; start += ROWS_AT_ONCE) {
            const int rows = count - start < ROWS_AT_ONCE ? count - start : ROWS_AT_ONCE;
            double scale[ROWS_AT_ONCE] = {0};
            Bounds bounds[ROWS_AT_ONCE];
            for (int r = 0; r < rows; r++) bounds[r] = bounds_of(scores + (i + start + r) * k, k);
            for (int r = 0; r < rows; r++) {
                const int lane = start + r;
                double *e = buffer + r * padded;
                const double best = bounds[r].best, base = KIND == LOGITS ? best : 0.0;
                if (!(best > -__builtin_inf() && best < __builtin_inf())) return BAD_VALUES;
                if (KIND == LOG_PROBS && best > 0.5) return BAD_VALUES;
                Powers sums;
                if (KIND == PROBS || bounds[r].least > base + LOWEST + 1.0)
                    row_weights<KIND, false>(all.at(i + lane), base, e, sums);
                else
                    row_weights<KIND, true>(all.at(i + lane), base, e, sums);
                const double in = KIND == LOGITS ? 1.0 / sums.norm : 1.0;
                norm[lane] = sums.norm;
                scale[r] = in;
                m1[lane] = sums.m1 * in; m2[lane] = sums.m2 * in; m3[lane] = sums.m3 * in; m4[lane] = sums.m4 * in;
            }
            for (int r = 0; r < rows; r++) {
                const int lane = start + r;
                const Score *z = scores + (i + lane) * k;
                const int64_t label = job.labels[i + lane];
                double *e = buffer + r * padded;
                const double best = bounds[r].best, in = scale[r];
                if (!(norm[lane] == norm[lane] && m1[lane] == m1[lane])) return BAD_VALUES; // a NaN among them
                if (KIND == LOGITS) {
                    confidence[lane] = in;
                    label_z[lane] = (double)z[label] - best;
                } else {
                    double most = best, least = bounds[r].least;
                    if (KIND == LOG_PROBS) {
                        double x[8];
                        exp<true>(D8::all(best)).store(x);
                        most = x[0];
                        least = 0.0;
                    }
                    if (!adds_up(job, least, most, norm[lane])) return BAD_VALUES;
                    confidence[lane] = most < 1.0 ? most : 1.0;
                    label_z[lane] = z[label];
                }
                label_p[lane] = e[label] * in;
                const bool alone = confidence[lane] > 0.6; // or else the sum would be too large
                right[lane] = z[label] == best && (alone || !has_earlier(z, label, z[label])) ? -1 : 0;
                e[label] = 0.0;
            }
            add_columns<WEIGHTED>(job, buffer, i + start, rows, scale, other_squares + start, above_first);
            for (int64_t byte = 0; byte < bytes; byte += 8) {
                uint64_t found = 0;
                memcpy(&found, above_first + byte, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
                found = __builtin_bswap64(found);
#endif
                for (; found; found &= found - 1) {
                    const int64_t bit = byte * 8 + __builtin_ctzll(found), r = bit / 8 % ROWS_AT_ONCE;
                    const int64_t c = bit / (8 * ROWS_AT_ONCE) * 8 + bit % 8;
                    above.note<WEIGHTED>(job, i + start + r, c, buffer[r * padded + c] * scale[r]);
                }
            }
        }
        above.add_all<WEIGHTED>(job);
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
