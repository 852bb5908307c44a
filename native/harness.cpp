// The bits of all sums of some random dumps, for each kernel that runs here: to be compared between processors.
//
//     harness [ROUNDS]      prints a hash for each dump and kernel and, with ROUNDS, the least CPU nanoseconds a score

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
            const double z = kind == PROBS ? uniform() : 2.0 * about_normal();
            scores[i * k + c] = (Score)z;
            sum += z;
        }
        if (kind == PROBS) for (int64_t c = 0; c < k; c++) scores[i * k + c] = (Score)(scores[i * k + c] / sum);
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

int main(int count, char **arguments)
{
    const int rounds = count > 1 ? atoi(arguments[1]) : 0;
    const int64_t sizes[][2] = {{2097, 1000}, {2001, 100}, {4001, 10}, {9999, 2}, {1001, 3}, {501, 33}};
    const int64_t timed[][2] = {{2097, 1000}, {20971, 100}, {131072, 10}, {131072, 2}};
    if (rounds) {
        for (auto &size : timed) if (count < 3 || size[1] == atoi(arguments[2])) measure<float>(LOGITS, size[0], size[1], false, rounds);
        return 0;
    }
    for (auto &size : sizes)
        for (int weighted = 0; weighted < 2; weighted++)
            for (Kind kind : {LOGITS, PROBS}) {
                measure<float>(kind, size[0], size[1], weighted, 0);
                measure<double>(kind, size[0], size[1], weighted, 0);
            }
    return 0;
}
