// The probabilities of rows of float64 scores that are multiplied by a number and increased by another for each class
// first, and the NLL of each row. NaN, or a row without a finite largest score, is left to the caller.

INLINE D8 mapped(const Softmax &job, D8 z, int64_t c) { return job.slopes ? z * D8::load(job.slopes + c) + D8::load(job.biases + c) : z; }
INLINE double mapped(const Softmax &job, double z, int64_t c) { return job.slopes ? z * job.slopes[c] + job.biases[c] : z; }
INLINE D8 mapped_alike(const Softmax &job, D8 z, int64_t c) // the class is the same in all lanes
{
    return job.slopes ? z * D8::all(job.slopes[c]) + D8::all(job.biases[c]) : z;
}
INLINE bool is_finite(double x) { return x > -__builtin_inf() && x < __builtin_inf(); }

// Exponentials of the numbers above `best` at p, which they replace, and their sum; `stride` vectors of eight apart.
template <int U> INLINE void exps_at(double *p, int64_t stride, D8 best, D8 &norm)
{
    D8 x[U];
    UNROLL for (int u = 0; u < U; u++) x[u] = D8::load(p + u * stride) - best;
    exps<true>(x);
    UNROLL for (int u = 0; u < U; u++) {
        norm = norm + x[u];
        x[u].store(p + u * stride);
    }
}

// A row of at least eight classes. p is the row's own place.
INLINE bool softmax_of_row(const Softmax &job, const double *z, int64_t label, double *p, double &nll)
{
    const int64_t k = job.k, full = k & ~7LL;
    D8 most = D8::all(-__builtin_inf());
    for (int64_t c = 0; c < full; c += 8) {
        const D8 s = mapped(job, D8::load(z + c), c);
        most = larger(s, most);
        s.store(p + c);
    }
    double found[8], of_label = mapped(job, z[label], label);
    most.store(found);
    double best = found[0];
    for (int lane = 1; lane < 8; lane++) best = found[lane] > best ? found[lane] : best;
    double tail[8];
    for (int lane = 0; lane < 8; lane++) {
        tail[lane] = full + lane < k ? mapped(job, z[full + lane], full + lane) : -__builtin_inf();
        best = tail[lane] > best ? tail[lane] : best;
    }
    if (!is_finite(best)) return false;
    D8 norm = D8::all(0.0);
    int64_t c = 0;
    for (; c + 8 * SIDE_BY_SIDE <= full; c += 8 * SIDE_BY_SIDE) exps_at<SIDE_BY_SIDE>(p + c, 8, D8::all(best), norm);
    for (; c < full; c += 8) exps_at<1>(p + c, 8, D8::all(best), norm);
    exps_at<1>(tail, 8, D8::all(best), norm);
    const double sum = norm.sum();
    if (!(sum == sum)) return false;
    const D8 inverse = D8::all(1.0 / sum);
    for (c = 0; c < full; c += 8) (D8::load(p + c) * inverse).store(p + c);
    (D8::load(tail) * inverse).store(tail);
    memcpy(p + full, tail, (k - full) * sizeof(double));
    double logarithms[8];
    log(D8::all(sum)).store(logarithms);
    nll = logarithms[0] - (of_label - best);
    return true;
}

// Eight rows whose classes are `stride` apart.
INLINE bool softmax_of_eight(const Softmax &job, const double *z, int64_t from, int count, const double *of_label, double *p, int64_t stride, double *nll)
{
    const D8 inf = D8::all(__builtin_inf());
    D8 best = D8::all(0.0) - inf, norm = D8::all(0.0);
    for (int64_t c = 0; c < job.k; c++) {
        const D8 s = mapped_alike(job, D8::load(z + c * from), c);
        best = larger(s, best);
        s.store(p + c * stride);
    }
    if ((~((best < inf) & (best > D8::all(0.0) - inf))).any()) return false;
    int64_t c = 0;
    for (; c + SIDE_BY_SIDE <= job.k; c += SIDE_BY_SIDE) exps_at<SIDE_BY_SIDE>(p + c * stride, stride, best, norm);
    for (; c < job.k; c++) exps_at<1>(p + c * stride, stride, best, norm);
    if ((~(norm == norm)).any()) return false;
    const D8 inverse = D8::all(1.0) / norm;
    for (c = 0; c < job.k; c++) (D8::load(p + c * stride) * inverse).store(p + c * stride);
    store_some(log(norm) - (D8::load(of_label) - best), count, nll);
    return true;
}

static Flag softmax(const Softmax &job)
{
    if (!job.by_class) {
        if (job.k < 8) return REFUSED;
        for (int64_t i = 0; i < job.n; i++)
            if (!softmax_of_row(job, job.scores + i * job.k, job.labels[i], job.p + i * job.k, job.nll[i])) return BAD_VALUES;
        return DONE;
    }
    double *some = (double *)aligned_alloc(64, job.k * sizeof(double[8])); // of less than eight rows
    if (!some) return REFUSED;
    Flag flag = DONE;
    for (int64_t i = 0; i < job.n && flag == DONE; i += 8) {
        const int count = job.n - i < 8 ? (int)(job.n - i) : 8;
        double of_label[8] = {0};
        for (int lane = 0; lane < count; lane++) {
            const int64_t label = job.labels[i + lane];
            of_label[lane] = mapped(job, job.scores[label * job.n + i + lane], label);
        }
        if (count == 8) {
            if (!softmax_of_eight(job, job.scores + i, job.n, 8, of_label, job.p + i, job.n, job.nll + i)) flag = BAD_VALUES;
            continue;
        }
        for (int64_t c = 0; c < job.k; c++)
            for (int lane = 0; lane < 8; lane++) some[c * 8 + lane] = lane < count ? job.scores[c * job.n + i + lane] : 0.0;
        if (!softmax_of_eight(job, some, 8, count, of_label, some, 8, job.nll + i)) flag = BAD_VALUES;
        for (int64_t c = 0; c < job.k; c++) memcpy(job.p + c * job.n + i, some + c * 8, count * sizeof(double));
    }
    free(some);
    return flag;
}
