// Two classes of float logits without weights: one exponential a row. Where the bins of both probabilities mirror each
// other, as they nearly always do, one entry of a small table serves the label and the other class.

// Sums of rows of [right][label][bin of the confidence]: of the larger probability c and the smaller q.
struct Pair { double c, cc, q, qq; };
typedef double PairVector __attribute__((vector_size(32), may_alias));

static Flag two(Job &job, Pair *pairs, uint32_t *counts)
{
    const int64_t n = job.n, m = job.m;
    const D8 zero = D8::all(0.0), one = D8::all(1.0), inf = D8::all(__builtin_inf());
    Running running;
    memset(pairs, 0, 4 * m * sizeof(Pair));
    memset(counts, 0, 4 * m * sizeof(uint32_t));
    for (int64_t i = 0; i < n; i += 8) {
        Eight eight;
        eight.count = n - i < 8 ? (int)(n - i) : 8;
        const float *scores = (const float *)job.scores + 2 * i;
        float some[16] = {0};
        int64_t labels[8] = {0};
        if (__builtin_expect(eight.count < 8, 0)) {
            memcpy(some, scores, eight.count * 2 * sizeof(float));
            memcpy(labels, job.labels + i, eight.count * sizeof(int64_t));
            scores = some;
        } else
            memcpy(labels, job.labels + i, sizeof labels);
        Floats u = *(const EightLoose *)scores, v = *(const EightLoose *)(scores + 8);
        float firsts[8], seconds[8];
        *(EightLoose *)firsts = SHUFFLE(u, v, 0, 2, 4, 6, 8, 10, 12, 14);
        *(EightLoose *)seconds = SHUFFLE(u, v, 1, 3, 5, 7, 9, 11, 13, 15);
        D8 z0 = D8::load(firsts), z1 = D8::load(seconds);
        I8 second = z1 > z0;
        D8 best = choose(second, z1, z0), less = choose(second, z0, z1);
        I8 good = (best > zero - inf) & (best < inf) & (less == less) & (best == best);
        if (__builtin_expect((~good).any(), 0)) return BAD_VALUES;
        D8 distance = less - best, far = larger(D8::all(LOWEST), distance);
        D8 e = exp<true>(distance), norm = one + e, c = one / norm, q = e * c;
        I8 label = I8::load(labels);
        eight.right = (second & I8::all(1)) == label;
        eight.confidence = c;
        eight.label_p = choose(eight.right, c, q);
        D8 other = choose(eight.right, q, c);
        eight.other_squares = other * other;
        eight.label_z = choose(eight.right, zero, distance);
        eight.label_log_p = eight.label_z - log(norm);
        D8 square = far * far;
        eight.m1 = q * far; eight.m2 = q * square; eight.m3 = eight.m1 * square; eight.m4 = eight.m2 * square;
        add_totals<false>(job, i, eight, running);
        store_keys(job, i, eight);
        c = eight.confidence;
        if (job.on_grid != 0.0) q = on_grid(q, job.on_grid);
        int64_t of_c[8], of_q[8], place[8];
        double larger_p[8], smaller_p[8];
        bins_of(c, job, of_c);
        bins_of(q, job, of_q);
        (((eight.right & I8::all(1)) << 1) + label).store(place);
        c.store(larger_p);
        q.store(smaller_p);
        for (int lane = 0; lane < eight.count; lane++) {
            const double pc = larger_p[lane], pq = smaller_p[lane];
            add_confidence(job.confident, m, lane, place[lane] >> 1, of_c[lane], pc);
            if (__builtin_expect(of_c[lane] + of_q[lane] == m - 1, 1)) {
                const int64_t at = place[lane] * m + of_c[lane];
                counts[at]++;
                *(PairVector *)(pairs + at) += (PairVector){pc, pc * pc, pq, pq * pq};
                continue;
            }
            const int64_t right = place[lane] >> 1, y = place[lane] & 1;
            put(job.label + (right * 2 + y) * m + (right ? of_c : of_q)[lane], right ? pc : pq);
            put(job.other + (1 - y) * m + (right ? of_q : of_c)[lane], right ? pq : pc);
        }
    }
    for (int64_t right = 0; right < 2; right++)
        for (int64_t y = 0; y < 2; y++)
            for (int64_t bin = 0; bin < m; bin++) {
                const int64_t at = (right * 2 + y) * m + bin, mirrored = m - 1 - bin;
                const double count = counts[at];
                const PairVector high = {count, pairs[at].c, pairs[at].cc, 0.0}, low = {count, pairs[at].q, pairs[at].qq, 0.0};
                *(PairVector *)(job.label + (right * 2 + y) * m + (right ? bin : mirrored)) += right ? high : low;
                *(PairVector *)(job.other + (1 - y) * m + (right ? mirrored : bin)) += right ? low : high;
            }
    running.leave(job);
    return DONE;
}
