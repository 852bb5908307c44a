// One chunk of rows: its working memory, the way for its number of classes, and class-wise sums out of the tables.

constexpr int64_t LANE_CLASSES = 56; // up to these, sums of rows that stand in the lanes are faster

INLINE int64_t round_up(int64_t bytes) { return (bytes + 63) & ~63LL; }

template <Kind KIND, bool WEIGHTED, class Score> static Flag by_size(Job &job)
{
    const int64_t k = job.k, padded = (k + 7) & ~7LL;
    if (k <= LANE_CLASSES) {
        char *work = (char *)aligned_alloc(64, k * (TILE * (int64_t)sizeof(Score) + 5 * (int64_t)sizeof(D8)));
        if (!work) return REFUSED;
        Flag flag = few<KIND, WEIGHTED, Score>(job, (Score *)(work + 5 * sizeof(D8) * k), (D8 *)work);
        free(work);
        return flag;
    }
    const int64_t bytes = round_up(ROWS_AT_ONCE * padded * (int64_t)sizeof(double));
    double *buffer = (double *)aligned_alloc(64, bytes);
    if (!buffer) return REFUSED;
    memset(buffer, 0, bytes);
    Flag flag = many<KIND, WEIGHTED, Score>(job, buffer);
    free(buffer);
    return flag;
}

static Flag two_classes(Job &job)
{
    const int64_t cells = 4 * job.m;
    char *work = (char *)aligned_alloc(64, round_up(cells * (int64_t)(sizeof(Pair) + sizeof(uint32_t))));
    if (!work) return REFUSED;
    Flag flag = two(job, (Pair *)work, (uint32_t *)(work + cells * sizeof(Pair)));
    free(work);
    return flag;
}

template <Kind KIND, class Score> static Flag by_weights(Job &job)
{
    return job.weights ? by_size<KIND, true, Score>(job) : by_size<KIND, false, Score>(job);
}
template <class Score> static Flag by_kind(Job &job)
{
    switch (job.kind) {
    case LOGITS: return by_weights<LOGITS, Score>(job);
    case LOG_PROBS: return by_weights<LOG_PROBS, Score>(job);
    default: return by_weights<PROBS, Score>(job);
    }
}

// What the bins above the first leave of the whole, at least 0; 0 if the first bin is empty.
INLINE double rest(double whole, double above, bool occupied)
{
    const double left = whole - above;
    return occupied && left > 0.0 ? left : 0.0;
}

// Class-wise sums, with the first bins of other classes as what is left of the column sums. Without weights.
static void combine(Job &job, bool first_counted)
{
    const int64_t k = job.k, m = job.m, size = k * m;
    double *count = job.classes, *p = count + size, *pp = p + size, *y = pp + size, *yp = y + size;
    for (int64_t c = 0; c < k; c++) {
        const Cell *wrong = job.label + c * m, *right = wrong + size;
        Cell *other = job.other + c * m;
        if (!first_counted) {
            Cell above = {0, 0, 0, 0};
            double labels = 0.0;
            for (int64_t bin = 0; bin < m; bin++) labels += wrong[bin].count + right[bin].count;
            for (int64_t bin = 1; bin < m; bin++) {
                above.count += other[bin].count; above.p += other[bin].p; above.pp += other[bin].pp;
            }
            const double left = (double)job.n - labels - above.count;
            other[0] = {left, rest(job.column_p[c], above.p, left > 0.0), rest(job.column_pp[c], above.pp, left > 0.0), 0.0};
        }
        for (int64_t bin = 0; bin < m; bin++) {
            const int64_t at = c * m + bin;
            const double own = wrong[bin].count + right[bin].count, own_p = wrong[bin].p + right[bin].p;
            y[at] = own;
            yp[at] = own_p;
            count[at] = other[bin].count + own;
            p[at] = other[bin].p + own_p;
            pp[at] = other[bin].pp + (wrong[bin].pp + right[bin].pp);
        }
    }
    combine_confidences(job.confident, m, job.top);
}

// The same of the other classes only, by weight and by squared weight, and the number of rows.
static void combine_weighted(Job &job, const double *of_labels)
{
    const int64_t k = job.k, m = job.m, size = k * m, padded = (k + 7) & ~7LL;
    double total[2] = {0.0, 0.0};
    for (int64_t i = 0; i < job.n; i++) {
        total[0] += job.weights[i];
        total[1] += job.weights[i] * job.weights[i];
    }
    for (int64_t c = 0; c < k; c++) {
        double rows = (double)job.n - of_labels[3 * c + 2];
        for (int64_t bin = 1; bin < m; bin++) rows -= job.other[c * m + bin].rows;
        for (int power = 0; power < 2; power++) {
            const Cell *other = (power ? job.other_squared : job.other) + c * m;
            Cell above = {0, 0, 0, 0};
            for (int64_t bin = 1; bin < m; bin++) {
                above.count += other[bin].count; above.p += other[bin].p; above.pp += other[bin].pp;
            }
            const double whole[3] = {total[power] - of_labels[3 * c + power], job.column_p[power * padded + c], job.column_pp[power * padded + c]};
            const double more[3] = {above.count, above.p, above.pp};
            for (int part = 0; part < 3; part++) {
                double *out = job.classes + (power * 3 + part) * size + c * m;
                out[0] = rest(whole[part], more[part], rows > 0.0);
                for (int64_t bin = 1; bin < m; bin++) out[bin] = (&other[bin].count)[part];
            }
        }
        double *out = job.classes + 6 * size + c * m;
        out[0] = rows;
        for (int64_t bin = 1; bin < m; bin++) out[bin] = job.other[c * m + bin].rows;
    }
}

static Flag run(Job &job, bool of_floats)
{
    const int64_t k = job.k, m = job.m, padded = (k + 7) & ~7LL;
    const int64_t cells = (job.weights ? 2 : 3) * k * m + TOP_COPIES * 2 * m, columns = (job.weights ? 4 : 2) * padded;
    const int64_t bytes = round_up(cells * (int64_t)sizeof(Cell) + (columns + 3 * k) * (int64_t)sizeof(double));
    char *memory = (char *)aligned_alloc(64, bytes);
    if (!memory) return REFUSED;
    memset(memory, 0, bytes);
    job.other = (Cell *)memory;
    job.other_squared = job.label = job.other + k * m; // one or the other
    job.confident = job.other + (cells - TOP_COPIES * 2 * m);
    job.column_p = (double *)(memory + cells * sizeof(Cell));
    job.column_pp = job.column_p + columns / 2;
    job.bin_slack = 0.0;
    for (int64_t i = 0; i <= m; i++) {
        const double off = __builtin_fabs(job.edges[i] * (double)m - (double)i);
        job.bin_slack = off > job.bin_slack ? off : job.bin_slack;
    }
    job.bin_slack += (double)m * 0x1p-50;
    const bool pairs = k == 2 && job.kind == LOGITS && of_floats && !job.weights;
    Flag flag = job.bin_slack > 0.4 ? REFUSED : pairs ? two_classes(job) : of_floats ? by_kind<float>(job) : by_kind<double>(job);
    if (flag == DONE && job.weights) {
        double *of_labels = job.column_p + columns;
        for (int64_t i = 0; i < job.n; i++) {
            double *own = of_labels + 3 * job.labels[i];
            const double w = job.weights[i];
            own[0] += w; own[1] += w * w; own[2] += 1.0;
        }
        combine_weighted(job, of_labels);
    } else if (flag == DONE)
        combine(job, pairs);
    free(memory);
    return flag;
}

static Flag kept_rows(const KeptRows &rows)
{
    const int64_t bytes = round_up(TOP_COPIES * 2 * rows.m * (int64_t)sizeof(Cell));
    Cell *table = (Cell *)aligned_alloc(64, bytes);
    if (!table) return REFUSED;
    memset(table, 0, bytes);
    add_kept(rows, table);
    free(table);
    return DONE;
}

static int64_t segments(const Segments &s)
{
    const int64_t bytes = round_up(8 * (s.count + 1) * (int64_t)sizeof(Cell));
    Cell *table = (Cell *)aligned_alloc(64, bytes);
    if (!table) return -1;
    memset(table, 0, bytes);
    const int64_t found = segment_sums(s, table);
    free(table);
    return found;
}

static Flag count_cells(const uint64_t *keys, int64_t n, int64_t *counts)
{
    uint32_t *second = (uint32_t *)calloc(CELLS, sizeof(uint32_t));
    if (!second) return REFUSED;
    histogram(keys, n, counts, second);
    free(second);
    return DONE;
}
