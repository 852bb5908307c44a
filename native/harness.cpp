// The bits of all sums of some random dumps, for each kernel that runs here: to be compared between processors.
//
//     harness [ROUNDS [K]]  prints a hash for each dump and kernel and, with ROUNDS, the least CPU nanoseconds a score

#include <cmath>
#include <cstdio>
#include <ctime>
#include <vector>

#include "kernel.h"

static uint64_t state;
static double uniform() // a linear congruential generator by Knuth: the same numbers everywhere
{
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (double)(state >> 11) * 0x1p-53;
}

// About normal, from sums that round in the same way everywhere.
static double about_normal()
{
    double sum = -6.0;
    for (int i = 0; i < 12; i++) sum += uniform();
    return sum;
}

template <class T> static uint64_t hash_of(uint64_t hash, const std::vector<T> &values)
{
    const unsigned char *bytes = (const unsigned char *)values.data();
    for (size_t i = 0; i < values.size() * sizeof(T); i++) hash = (hash ^ bytes[i]) * 1099511628211ULL;
    return hash;
}

template <class Score> static void measure(Kind kind, int64_t n, int64_t k, bool weighted, int rounds)
{
    const int64_t m = 15;
    state = (uint64_t)(n * 31 + k);
    std::vector<Score> scores(n * k);
    std::vector<int64_t> labels(n);
    std::vector<double> weights(weighted ? n : 0), edges(m + 1), totals(TOTALS), classes(7 * k * m), top(5 * m), rows(COLUMNS * n);
    std::vector<uint64_t> keys(n);
    for (int64_t i = 0; i < n; i++) {
        double sum = 0.0;
        for (int64_t c = 0; c < k; c++) {
            const double z = kind == LOGITS ? 2.0 * about_normal() : uniform();
            scores[i * k + c] = (Score)z;
            sum += z;
        }
        if (kind != LOGITS)
            for (int64_t c = 0; c < k; c++) {
                const double p = (double)scores[i * k + c] / sum;
                scores[i * k + c] = (Score)(kind == PROBS ? p : log(p));
            }
        labels[i] = (int64_t)(uniform() * (double)k);
        if (uniform() < 0.6)
            for (int64_t c = 0; c < k; c++) if (scores[i * k + c] > scores[i * k + labels[i]]) labels[i] = c;
        if (weighted) weights[i] = uniform();
    }
    for (int64_t i = 0; i <= m; i++) edges[i] = (192.0 + (double)i / (double)m) - 192.0;
    Named all[3];
    const int found = kernels(all);
    for (int which = 0; which < found; which++) {
        double least = 1e300;
        Flag flag = DONE;
        for (int round = 0; round < (rounds ? rounds : 1); round++) {
            totals.assign(TOTALS, 0.0);
            Job job = {};
            job.kind = kind;
            job.scores = scores.data(); job.labels = labels.data(); job.weights = weighted ? weights.data() : nullptr;
            job.n = n; job.k = k; job.m = m; job.edges = edges.data();
            job.on_grid = kind == PROBS ? 0.0 : 192.0;
            job.spare = 2e-5; job.of_sum = 1e-4;
            job.totals = totals.data(); job.classes = classes.data(); job.top = top.data(); job.keys = keys.data();
            job.rows = rounds ? nullptr : rows.data();
            const clock_t start = clock();
            flag = all[which].kernel->run(job, sizeof(Score) == 4);
            const double taken = (double)(clock() - start) / CLOCKS_PER_SEC;
            least = taken < least ? taken : least;
        }
        uint64_t hash = 14695981039346656037ULL;
        hash = hash_of(hash_of(hash_of(hash_of(hash, totals), classes), top), keys);
        if (!rounds) hash = hash_of(hash, rows);
        printf("%d %lldx%lld float%zu%s flag %d %016llx", kind, (long long)n, (long long)k, sizeof(Score) * 8,
               weighted ? " weighted" : "", flag, (unsigned long long)hash);
        if (rounds) printf(" %s %.3f ns a score, %.1f ns a row", all[which].name, least / (double)(n * k) * 1e9, least / (double)n * 1e9);
        printf("\n");
    }
}

// What rows are at some inverse temperatures, from labels, from their scores and, of few classes, from scores by class: the
// same bits. far: some classes have no probability, or nearly none.
template <class Score> static void measure_at_beta(int64_t n, int64_t k, bool far, int rounds)
{
    state = (uint64_t)(n * 37 + k);
    std::vector<Score> scores(n * k), columns(n * k);
    std::vector<int64_t> labels(n);
    std::vector<double> of_label(n), rows(AT_BETA_COLUMNS * n);
    for (int64_t i = 0; i < n; i++) {
        labels[i] = (int64_t)(uniform() * (double)k);
        for (int64_t c = 0; c < k; c++) {
            double z = 2.0 * about_normal();
            if (far && c != labels[i] && uniform() < 0.1) z = uniform() < 0.5 ? -INFINITY : 1e4 * about_normal();
            scores[i * k + c] = columns[c * n + i] = (Score)z;
        }
        of_label[i] = (double)scores[i * k + labels[i]];
    }
    Named all[3];
    const int found = kernels(all);
    for (int which = 0; which < found; which++) {
        for (int before = 0; before < 2; before++)
            for (double beta : {0.01, 0.7, 5.0})
                for (int way = 0; way < (rounds ? 1 : 3); way++) {
                    const bool by_class = way == 2;
                    if (by_class && k > 128) continue;
                    AtBeta job = {};
                    job.scores = by_class ? columns.data() : scores.data();
                    job.by_class = by_class; job.before = before; job.n = n; job.k = k; job.beta = beta;
                    if (way == 1) job.of_label = of_label.data();
                    else job.labels = labels.data();
                    job.rows = rows.data();
                    double least = 1e300;
                    Flag flag = DONE;
                    for (int round = 0; round < (rounds ? rounds : 1); round++) {
                        const clock_t start = clock();
                        flag = all[which].kernel->at_beta(job, sizeof(Score) == 4);
                        const double taken = (double)(clock() - start) / CLOCKS_PER_SEC;
                        least = taken < least ? taken : least;
                    }
                    const uint64_t hash = hash_of(14695981039346656037ULL, rows);
                    printf("beta %g%s %lldx%lld float%zu%s flag %d %016llx", beta, before ? " before" : "", (long long)n, (long long)k,
                           sizeof(Score) * 8, far ? " far" : "", flag, (unsigned long long)hash);
                    if (rounds) printf(" %s %.3f ns a score", all[which].name, least / (double)(n * k) * 1e9);
                    printf("\n");
                }
    }
}

// Probabilities of mapped scores, row by row and class by class.
static void measure_softmax(int64_t n, int64_t k, bool mapped)
{
    state = (uint64_t)(n * 41 + k);
    std::vector<double> scores(n * k), slopes(k), biases(k), p(n * k), nll(n);
    std::vector<int64_t> labels(n);
    for (double &one : scores) one = 2.0 * about_normal();
    for (int64_t c = 0; c < k; c++) { slopes[c] = uniform(); biases[c] = about_normal(); }
    for (int64_t &one : labels) one = (int64_t)(uniform() * (double)k);
    Named all[3];
    const int found = kernels(all);
    for (int which = 0; which < found; which++)
        for (int by_class = 0; by_class < 2; by_class++) {
            Softmax job = {};
            job.scores = scores.data(); job.by_class = by_class; job.labels = labels.data(); job.n = n; job.k = k;
            if (mapped) { job.slopes = slopes.data(); job.biases = biases.data(); }
            job.p = p.data(); job.nll = nll.data();
            const Flag flag = all[which].kernel->softmax(job);
            const uint64_t hash = hash_of(hash_of(14695981039346656037ULL, p), nll);
            printf("softmax %lldx%lld%s%s flag %d %016llx\n", (long long)n, (long long)k, mapped ? " mapped" : "",
                   by_class ? " by class" : "", flag, (unsigned long long)(flag == DONE ? hash : 0));
        }
}

// Cells of smooth curves, of keys as `run` leaves them. places: 1, or 3 for some of equal confidences.
static void measure_curves(int64_t n, bool two, int places, int rounds)
{
    state = (uint64_t)(n * 43 + two);
    std::vector<uint64_t> keys(n);
    std::vector<int64_t> labels(n);
    std::vector<double> cells(6 * CURVE_CELLS);
    for (int64_t i = 0; i < n; i++) {
        const double x = uniform(), least = two ? 0.5 : 0.0, close = x * x * x;
        double c = least + (1.0 - least) * (i % 3 ? 1.0 - close : x);
        if (places > 1) c = i % 2 ? 1.0 : c < 0.6 ? 0.5 : c;
        c = (192.0 + c) - 192.0;
        memcpy(&keys[i], &c, sizeof c);
        keys[i] = keys[i] << 1 | (uniform() < c);
        labels[i] = uniform() < 0.4;
    }
    Named all[3];
    const int found = kernels(all);
    for (int which = 0; which < found; which++) {
        double least = 1e300;
        Flag flag = DONE;
        for (int round = 0; round < (rounds ? rounds : 1); round++) {
            const clock_t start = clock();
            flag = all[which].kernel->curves({keys.data(), n, two ? labels.data() : nullptr, 1, cells.data()});
            const double taken = (double)(clock() - start) / CLOCKS_PER_SEC;
            least = taken < least ? taken : least;
        }
        printf("curves %lld%s%s flag %d %016llx", (long long)n, two ? " of two" : "", places > 1 ? " tied" : "", flag,
               (unsigned long long)hash_of(14695981039346656037ULL, cells));
        if (rounds) printf(" %s %.1f ns a row", all[which].name, least / (double)n * 1e9);
        printf("\n");
    }
}

int main(int count, char **arguments)
{
    const int rounds = count > 1 ? atoi(arguments[1]) : 0;
    const int64_t sizes[][2] = {{2097, 1000}, {2001, 100}, {4001, 10}, {9999, 2}, {1001, 3}, {501, 33}};
    const int64_t timed[][2] = {{2097, 1000}, {20971, 100}, {131072, 10}, {131072, 2}};
    if (rounds) {
        for (auto &size : timed)
            if (count < 3 || size[1] == atoi(arguments[2])) {
                measure<float>(LOGITS, size[0], size[1], false, rounds);
                measure_at_beta<float>(size[0], size[1], false, rounds);
            }
        for (int two = 0; two < 2; two++)
            for (int places : {1, 3}) measure_curves(131072, two, places, rounds);
        return 0;
    }
    for (auto &size : sizes)
        for (int weighted = 0; weighted < 2; weighted++)
            for (Kind kind : {LOGITS, PROBS}) {
                measure<float>(kind, size[0], size[1], weighted, 0);
                measure<double>(kind, size[0], size[1], weighted, 0);
            }
    // In float32 only, where the last bits of a library's logarithms do not show.
    for (auto &size : sizes) measure<float>(LOG_PROBS, size[0], size[1], false, 0);
    for (auto &size : sizes)
        for (int far = 0; far < 2; far++) {
            measure_at_beta<float>(size[0] / 8, size[1], far, 0);
            measure_at_beta<double>(size[0] / 8, size[1], far, 0);
        }
    for (auto &size : sizes)
        for (int mapped = 0; mapped < 2; mapped++) measure_softmax(size[0] / 8 + 3, size[1], mapped);
    for (int64_t n : {1, 8, 1003, 20011})
        for (int two = 0; two < 2; two++)
            for (int places : {1, 3}) measure_curves(n, two, places, 0);
    return 0;
}
