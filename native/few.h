// Few classes: eight rows stand in the eight lanes, and classes follow one another.

constexpr int64_t FEW_CLASSES = 128; // up to these, rows stand in the lanes
constexpr int TILE = 64;               // rows that are transposed at a time

// Transpose eight rows, `stride` apart, of eight classes; the columns come TILE apart.
INLINE void transpose_eight(const float *z, int64_t stride, float *out)
{
    Floats r[8], s[8];
    for (int l = 0; l < 8; l++) r[l] = *(const EightLoose *)(z + l * stride);
    for (int l = 0; l < 8; l += 2) {
        s[l] = SHUFFLE(r[l], r[l + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        s[l + 1] = SHUFFLE(r[l], r[l + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
    for (int l = 0; l < 8; l += 4) {
        r[l] = SHUFFLE(s[l], s[l + 2], 0, 1, 8, 9, 4, 5, 12, 13);
        r[l + 1] = SHUFFLE(s[l], s[l + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        r[l + 2] = SHUFFLE(s[l + 1], s[l + 3], 0, 1, 8, 9, 4, 5, 12, 13);
        r[l + 3] = SHUFFLE(s[l + 1], s[l + 3], 2, 3, 10, 11, 6, 7, 14, 15);
    }
    for (int l = 0; l < 4; l++) {
        *(EightLoose *)(out + l * TILE) = SHUFFLE(r[l], r[l + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        *(EightLoose *)(out + (l + 4) * TILE) = SHUFFLE(r[l], r[l + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}

// Up to TILE rows as columns; what is missing to a multiple of eight rows is 0.
template <class Score> INLINE void transpose_simply(const Score *z, int64_t rows, int64_t k, Score *tile)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t c = 0; c < k; c++) tile[c * TILE + i] = z[i * k + c];
    for (int64_t i = rows; i < ((rows + 7) & ~7LL); i++)
        for (int64_t c = 0; c < k; c++) tile[c * TILE + i] = 0;
}
INLINE void transpose(const double *z, int64_t rows, int64_t k, double *tile) { transpose_simply(z, rows, k, tile); }
INLINE void transpose(const float *z, int64_t rows, int64_t k, float *tile)
{
    if (k < 8 || rows < TILE) { transpose_simply(z, rows, k, tile); return; }
    for (int64_t i = 0; i < TILE; i += 8)
        for (int64_t c = 0; c < k; c += 8) {
            const int64_t from = c + 8 <= k ? c : k - 8;
            transpose_eight(z + i * k + from, k, tile + from * TILE + i);
        }
}

// Ask for scores that are transposed next, as reading eight rows at a time is not what processors foresee.
template <class Score> INLINE void fetch_ahead(const Score *here, int64_t distance, int64_t size, const Score *end)
{
    const Score *stop = here + distance + size < end ? here + distance + size : end;
    for (const Score *next = here + distance; next < stop; next += 64 / sizeof(Score)) __builtin_prefetch(next);
}

// The least and the largest score of eight rows, and the first class that has it.
INLINE void first_largest(const double *column, int64_t k, D8 &best, D8 &least, I8 &at)
{
    best = least = D8::load(column);
    at = I8::all(0);
    for (int64_t c = 1; c < k; c++) {
        D8 z = D8::load(column + c * TILE);
        at = choose(z > best, I8::all(c), at);
        best = larger(z, best);
        least = smaller(z, least);
    }
}
INLINE void first_largest(const float *column, int64_t k, D8 &best, D8 &least, I8 &at)
{
    Floats most = *(const EightLoose *)column, low = most;
    FloatMask place = {};
    for (int64_t c = 1; c < k; c++) {
        const Floats z = *(const EightLoose *)(column + c * TILE);
        const FloatMask above = z > most;
        place = above ? (FloatMask){} + (int32_t)c : place;
        most = above ? z : most;
        low = z < low ? z : low;
    }
    float found[8];
    int64_t places[8];
    *(EightLoose *)found = most;
    best = D8::load(found);
    *(EightLoose *)found = low;
    least = D8::load(found);
    for (int lane = 0; lane < 8; lane++) places[lane] = place[lane];
    at = I8::load(places);
}

struct Hit { int32_t c; unsigned rows; };

template <Kind KIND, bool WEIGHTED, class Score> static Flag few(Job &job, Score *tile, D8 *p)
{
    Hit hit[FEW_CLASSES + 1];
    const int64_t n = job.n, k = job.k;
    const D8 zero = D8::all(0.0), one = D8::all(1.0), inf = D8::all(__builtin_inf());
    const D8 first_edge = D8::all(job.edges[1]);
    D8 *column_p = p + k, *column_pp = p + 2 * k, *column_p2 = p + 3 * k, *column_pp2 = p + 4 * k;
    double *flat = (double *)p;
    Running running;
    for (int64_t c = 0; c < k; c++) column_p[c] = column_pp[c] = column_p2[c] = column_pp2[c] = zero;
    for (int64_t start = 0; start < n; start += TILE) {
        const int64_t rows = n - start < TILE ? n - start : TILE;
        transpose((const Score *)job.scores + start * k, rows, k, tile);
        for (int64_t group = 0; group < rows; group += 8) {
            const int64_t i = start + group;
            fetch_ahead((const Score *)job.scores + i * k, TILE * k, 8 * k, (const Score *)job.scores + n * k);
            Eight eight;
            eight.count = rows - group < 8 ? (int)(rows - group) : 8;
            const I8 there = existing(eight.count);
            const Score *column = tile + group;
            D8 best, least;
            I8 at;
            first_largest(column, k, best, least, at);
            if (__builtin_expect((~((best < inf) & (best > zero - inf))).any(), 0)) return BAD_VALUES;
            if (KIND == LOG_PROBS && (best > D8::all(0.5)).any()) return BAD_VALUES;
            PowerLanes powers;
            if (KIND == PROBS || !(least < (KIND == LOGITS ? best : zero) + D8::all(LOWEST + 1.0)).any())
                for (int64_t c = 0; c < k; c++)
                    p[c] = weights_of<KIND, false>(D8::load(column + c * TILE), best, powers);
            else
                for (int64_t c = 0; c < k; c++)
                    p[c] = weights_of<KIND, true>(D8::load(column + c * TILE), best, powers);
            if (__builtin_expect((~((powers.norm == powers.norm) & (powers.m1 == powers.m1))).any(), 0)) return BAD_VALUES;
            int64_t labels[8] = {0};
            double label_p[8], label_z[8];
            memcpy(labels, job.labels + i, eight.count * sizeof(int64_t));
            for (int lane = 0; lane < 8; lane++) {
                double *own = flat + labels[lane] * 8 + lane;
                label_p[lane] = *own;
                label_z[lane] = column[labels[lane] * TILE + lane];
                *own = 0.0;
            }
            eight.right = at == I8::load(labels);
            eight.label_p = D8::load(label_p);
            eight.label_z = D8::load(label_z);
            D8 scale = choose(there, one, zero);
            eight.m1 = powers.m1; eight.m2 = powers.m2; eight.m3 = powers.m3; eight.m4 = powers.m4;
            if (KIND == LOGITS) {
                D8 inverse = one / powers.norm;
                scale = choose(there, inverse, zero);
                eight.confidence = inverse;
                eight.label_p = eight.label_p * inverse;
                eight.label_z = eight.label_z - best;
                eight.label_log_p = eight.label_z - log(powers.norm);
                eight.m1 = eight.m1 * inverse; eight.m2 = eight.m2 * inverse;
                eight.m3 = eight.m3 * inverse; eight.m4 = eight.m4 * inverse;
            } else {
                D8 most = KIND == PROBS ? best : exp<true>(best), lowest = KIND == PROBS ? least : zero;
                D8 off = powers.norm - one;
                I8 wrong = (lowest < D8::all(-job.spare)) | (most > D8::all(1.0 + job.spare * CLEARLY)) |
                           (off > D8::all(job.of_sum * CLEARLY)) | (off < D8::all(-job.of_sum * CLEARLY));
                if (__builtin_expect((wrong & there).any(), 0)) return BAD_VALUES;
                eight.confidence = larger(smaller(most, one), zero);
                if (KIND == PROBS) eight.label_z = log_of_any(smaller(larger(eight.label_z, zero), one));
                eight.label_log_p = eight.label_z;
            }
            D8 squares = zero, w = one, w2 = one;
            if (WEIGHTED) {
                double own[8] = {0};
                memcpy(own, job.weights + i, eight.count * sizeof(double));
                w = D8::load(own);
                w2 = w * w;
            }
            int64_t hits = 0; // classes with a p above the first edge
            for (int64_t c = 0; c < k; c++) {
                D8 own = p[c] * scale;
                p[c] = own;
                squares = fma(own, own, squares);
                if (WEIGHTED) {
                    D8 square = own * own;
                    column_p[c] = fma(w, own, column_p[c]);
                    column_pp[c] = fma(w, square, column_pp[c]);
                    column_p2[c] = fma(w2, own, column_p2[c]);
                    column_pp2[c] = fma(w2, square, column_pp2[c]);
                } else {
                    column_p[c] = column_p[c] + own;
                    column_pp[c] = fma(own, own, column_pp[c]);
                }
                const unsigned above = (own > first_edge).mask();
                hit[hits] = {(int32_t)c, above};
                hits += above != 0;
            }
            eight.other_squares = squares;
            for (int64_t at = 0; at < hits; at++)
                for (unsigned found = hit[at].rows; found; found &= found - 1) {
                    const int lane = __builtin_ctz(found);
                    add_other<WEIGHTED>(job, i + lane, hit[at].c, flat[hit[at].c * 8 + lane]);
                }
            add_rows<WEIGHTED>(job, i, eight, running);
        }
    }
    const int64_t padded = (k + 7) & ~7LL;
    for (int64_t c = 0; c < k; c++) {
        job.column_p[c] += column_p[c].sum();
        job.column_pp[c] += column_pp[c].sum();
        if (WEIGHTED) {
            job.column_p[padded + c] += column_p2[c].sum();
            job.column_pp[padded + c] += column_pp2[c].sum();
        }
    }
    running.leave(job);
    return DONE;
}
