// What is asked for, and where the results go: the same for every instruction set.

#include <cstdint>
#include <cstdlib>
#include <cstring>

enum Kind { LOGITS = 0, LOG_PROBS = 1, PROBS = 2 };
// REFUSED: there is no memory, or edges are too coarse; the caller takes another way.
enum Flag { DONE = 0, BAD_VALUES = 1, REFUSED = 2 };

// Sums of one cell: the number of rows, of p and of p squared; with weights w, of w, w p and w p p. The fourth number
// makes a cell one vector; with weights, it is the plain number of rows.
struct Cell { double count, p, pp, rows; };

enum Total { NLL, NLL_SQUARES, BRIER, BRIER_SQUARES, EXCESS, VARIANCE, THIRD, FOURTH, IMPOSSIBLE, FIRST_IMPOSSIBLE, TOTALS };
enum Column { CONFIDENCE, LABEL_P, LABEL_LOG_P, OTHER_SQUARES, ROW_EXCESS, COLUMNS };

struct Job {
    Kind kind;
    const void *scores; // (n, k) of float or double
    const int64_t *labels;
    const double *weights; // (n,), or null
    int64_t n, k, m;
    const double *edges; // (m + 1,) of equal-width bins, rounded like the probabilities
    double on_grid; // what rounds probabilities to the grid by being added and subtracted; 0: they stay as they are
    double spare, of_sum; // how far probabilities may be outside [0, 1], and their sums from 1
    double *totals; // (TOTALS,)
    // Class-wise sums, (k, m) each. Without weights: count, p, pp, y, yp. With weights, over the rows with other labels:
    // count, p, pp by weight, the same by squared weight, and the number of rows.
    double *classes;
    double *top; // (5, m): count, p, pp, y, yp; untouched with weights
    uint64_t *keys; // (n,) the bits of the confidence, and whether the row is right in the lowest bit
    double *rows; // (COLUMNS, n), or null
    // Working memory of one call.
    Cell *label; // [right][class][bin] of the label
    Cell *other; // [class][bin] of other classes, above the first bin
    Cell *other_squared; // the same by squared weight
    Cell *confident; // [copy][right][bin] of the confidence, see TOP_COPIES
    double *column_p, *column_pp; // (k,) or, with weights, (2, k): sums over the rows with other labels
    double bin_slack; // how far i / m times m may be from i, with the edge i
};

// Results of rows that are added up again: the same bits as from their scores.
struct KeptRows {
    int64_t n, m;
    const int64_t *labels; // of two classes of float logits, whose confidences are added by label; else null
    const double *edges, *confidence, *nll, *brier;
    const uint8_t *correct;
    double *totals; // the first four
    double *top; // (5, m)
};

// A pass over the gathered sort keys, for bins of equally many rows.
struct Segments {
    const uint64_t *keys;
    int64_t n;
    const int32_t *of_cell; // the segment of each cell, or -1 where a cut lies in it
    const int64_t *cuts; // bit patterns, ascending: where segments 1, 2 ... start
    int64_t count; // of cuts
    const uint8_t *kept; // (count + 1,) whether the rows of a segment are kept
    double *sums; // (5, count + 1): count, p, pp, y, yp
    uint64_t *found; // (n,) the keys of the rows that are kept
};

// What each row is at one inverse temperature: its NLL, that loss's first derivative with respect to log beta, the variance
// and minus the third cumulant of the loss, the confidence and its derivative, the label's score minus the largest one,
// and the NLL at beta = 1, or 0.
enum AtBetaColumn { LOSS, SLOPE, SPREAD, SKEW, SURE, RISE, LABEL_D, LOSS_BEFORE, AT_BETA_COLUMNS };

struct AtBeta {
    const void *scores; // log-scores of float or double: (n, k) or, by_class, (k, n)
    bool by_class, before;
    const int64_t *labels; // (n,), or null: then of_label, (n,), are the labels' scores
    const double *of_label;
    int64_t n, k;
    double beta; // above 0
    double *rows; // (AT_BETA_COLUMNS, n)
};

// Probabilities of float64 scores, and the NLL of each row.
struct Softmax {
    const double *scores; // (n, k) or, by_class, (k, n)
    bool by_class;
    const int64_t *labels; // (n,), of classes that exist
    int64_t n, k;
    const double *slopes, *biases; // (k,), or null: of each class, before the exponential
    double *p; // in the layout of the scores; it may be the same array
    double *nll; // (n,)
};

// Cells of the confidence and, of two classes, of the probability of one of them. REFUSED: a confidence of two is below 1/2.
struct CurveRows {
    const uint64_t *keys;
    int64_t n;
    const int64_t *labels; // (n,), of two classes; else null
    int64_t positive; // the class, of two
    double *cells; // (3, CURVE_CELLS), or with labels (2, 3, CURVE_CELLS): how many rows, sums of p, and how many outcomes
};

constexpr int CURVE_CELL_BITS = 6, CURVE_OCTAVES = 20; // of these cells, as in cells.py
constexpr int64_t CURVE_CELLS = 2 * (((CURVE_OCTAVES - 1) << CURVE_CELL_BITS) + 1);

// Rows of floats, by their bits, of which each gets a hash; -0 counts as 0.
struct RowHashes {
    const uint32_t *bits; // (n, k)
    int64_t n, k;
    const uint64_t *factors; // (k,), odd
    uint64_t *hashes; // (n,), which the sums of the rows are added to
};

constexpr uint32_t NEGATIVE_ZERO = 0x80000000;
constexpr int OCTAVE_BITS = 8, STEP_BITS = 10; // of the cells, as in equal_mass.py
constexpr int64_t CELLS = 52 << OCTAVE_BITS;
