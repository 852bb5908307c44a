// One chunk of rows: its working memory, the way for its number of classes, and class-wise sums out of the tables.

constexpr int64_t LANE_CLASSES = 48; // up to these, sums of rows that stand in the lanes are faster

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
    const int64_t bytes = round_up(ROWS_AT_ONCE * (padded * (int64_t)sizeof(double) + padded / 8) + 8);
    double *buffer = (double *)aligned_alloc(64, bytes);
    if (!buffer) return REFUSED;
    memset(buffer, 0, bytes);
    Flag flag = many<KIND, WEIGHTED, Score>(job, buffer);
    free(buffer);
    return flag;
}

INLINE Pairs pairs_in(char *memory, int64_t m)
{
    return {(double *)memory, (uint32_t *)(memory + PAIR_COPIES * 8 * m * (int64_t)sizeof(PairVector))};
}

static Flag two_classes(Job &job)
{
    char *work = (char *)aligned_alloc(64, round_up(job.m * PAIR_BYTES));
    if (!work) return REFUSED;
    memset(work, 0, job.m * PAIR_BYTES);
    Flag flag = two(job, pairs_in(work, job.m));
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

// How far edges times m may be from whole numbers, with rounding.
static double slack_of(const double *edges, int64_t m)
{
    double most = 0.0;
    for (int64_t i = 0; i <= m; i++) {
        const double off = __builtin_fabs(edges[i] * (double)m - (double)i);
        most = off > most ? off : most;
    }
    return most + (double)m * 0x1p-50;
}

static bool labels_within(const Job &job)
{
    const I8 most = I8::all(job.k - 1), none = I8::all(0);
    I8 outside = none;
    int64_t i = 0;
    for (; i + 8 <= job.n; i += 8) {
        const I8 label = I8::load(job.labels + i);
        outside = outside | (label < none) | (label > most);
    }
    bool within = !outside.any();
    for (; i < job.n; i++) within = within && job.labels[i] >= 0 && job.labels[i] < job.k;
    return within;
}

static Flag run(Job &job, bool of_floats)
{
    const int64_t k = job.k, m = job.m, padded = (k + 7) & ~7LL;
    const bool on_grid = job.kind == LOGITS && job.on_grid != 0.0;
    const bool pairs = k == 2 && on_grid && of_floats && !job.weights && mirrored(job.edges, m);
    if (!pairs && !labels_within(job)) return REFUSED;
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
    job.bin_slack = slack_of(job.edges, m);
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
    const int64_t cells = round_up(TOP_COPIES * 2 * rows.m * (int64_t)sizeof(Cell));
    const bool pairs = rows.labels && mirrored(rows.edges, rows.m);
    const int64_t bytes = round_up(cells + (pairs ? rows.m * PAIR_BYTES : 0));
    char *memory = (char *)aligned_alloc(64, bytes);
    if (!memory) return REFUSED;
    memset(memory, 0, bytes);
    add_kept(rows, pairs ? nullptr : (Cell *)memory);
    if (pairs) add_kept_pairs(rows, pairs_in(memory + cells, rows.m), slack_of(rows.edges, rows.m), (Cell *)memory);
    combine_confidences((const Cell *)memory, rows.m, rows.top);
    free(memory);
    return DONE;
}

static int64_t segments(const Segments &s)
{
    const int64_t cells = round_up((s.count + 1) * SEGMENT_BYTES), bytes = cells + round_up(CELLS * sizeof(int32_t));
    char *memory = (char *)aligned_alloc(64, bytes);
    if (!memory) return -1;
    memset(memory, 0, cells);
    int32_t *of_cell = (int32_t *)(memory + cells);
    for (int64_t cell = 0; cell < CELLS; cell++) {
        const int32_t own = s.of_cell[cell];
        of_cell[cell] = own >= 0 && s.kept[own] ? -1 : own;
    }
    const int64_t found = segment_sums(s, of_cell, segment_table(memory, s.count + 1));
    free(memory);
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
