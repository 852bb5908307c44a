// Cells of smooth curves, out of sort keys: cells.py says what they are.

constexpr int64_t CURVE_HALF = CURVE_CELLS / 2; // the last of the lower half is 1/2 alone
constexpr int64_t CURVE_LEAST = (1023LL - CURVE_OCTAVES) << CURVE_CELL_BITS;
constexpr int64_t CURVE_COPIES = 2; // see TOP_COPIES

// The cells of eight probabilities. near: min(p, 1 - p).
INLINE I8 curve_cells_of(D8 p, D8 near)
{
    const I8 first = I8::all(0), last = I8::all(CURVE_HALF - 1);
    I8 place = (bits(near) >> (52 - CURVE_CELL_BITS)) - I8::all(CURVE_LEAST);
    place = choose(place < first, first, choose(place > last, last, place));
    return choose(p <= D8::all(0.5), place, I8::all(CURVE_CELLS - 1) - place);
}

// Adds eight rows, of which `count` exist, to the table: (copy, positive, right, cell) pairs of the number of rows and the sum
// of min(p, 1 - p). False: two classes, and a confidence below 1/2.
INLINE bool eight_in_curves(I8 key, I8 positive, I8 copies, bool two, int count, double *table)
{
    const D8 c = real(key >> 1), near = smaller(c, D8::all(1.0) - c);
    if (two && __builtin_expect((c < D8::all(0.5)).any(), 0)) return false;
    int64_t at[8];
    double distance[8];
    const I8 right = (I8::all(0) - (key & I8::all(1))) & I8::all(CURVE_CELLS);
    (copies + right + (positive & I8::all(2 * CURVE_CELLS)) + curve_cells_of(c, near)).store(at);
    near.store(distance);
#pragma GCC unroll 8
    for (int lane = 0; lane < count; lane++) *((PairVector *)table + at[lane]) += (PairVector){1.0, distance[lane]};
    return true;
}

// From the table into the cells. A class that is not predicted has the probability 1 - c, in the mirror image of c's cell.
static void leave_curves(const CurveRows &rows, const double *table)
{
    const int64_t parts = rows.labels ? 4 : 2;
    double *top = rows.cells, *of_class = top + 3 * CURVE_CELLS;
    memset(rows.cells, 0, (rows.labels ? 6 : 3) * CURVE_CELLS * sizeof(double));
    for (int64_t cell = 0; cell < CURVE_CELLS; cell++)
        for (int64_t part = 0; part < parts; part++) {
            PairVector sums = {0.0, 0.0};
            for (int64_t copy = 0; copy < CURVE_COPIES; copy++)
                sums += *((const PairVector *)table + (copy * parts + part) * CURVE_CELLS + cell);
            if (sums[0] == 0.0) continue;
            const bool right = part & 1, label = part >> 1, above = cell >= CURVE_HALF;
            const double p = above ? sums[0] - sums[1] : sums[1], rest = above ? sums[1] : sums[0] - sums[1];
            top[cell] += sums[0];
            top[CURVE_CELLS + cell] += p;
            if (right) top[2 * CURVE_CELLS + cell] += sums[0];
            if (!rows.labels) continue;
            const bool predicted = label == right;
            const int64_t own = predicted || cell == CURVE_HALF - 1 ? cell : CURVE_CELLS - 1 - cell;
            of_class[own] += sums[0];
            of_class[CURVE_CELLS + own] += predicted ? p : rest;
            if (label) of_class[2 * CURVE_CELLS + own] += sums[0];
        }
}

static bool add_to_curves(const CurveRows &rows, double *table)
{
    const int64_t parts = rows.labels ? 4 : 2, whole = rows.n & ~7LL;
    const bool two = rows.labels;
    const I8 own = I8::all(rows.positive), none = I8::all(0);
    int64_t some[8], of_some[8] = {0};
    for (int lane = 0; lane < 8; lane++) some[lane] = (lane & (CURVE_COPIES - 1)) * parts * CURVE_CELLS;
    const I8 copies = I8::load(some);
    for (int64_t i = 0; i < whole; i += 8) {
        const I8 positive = two ? I8::load(rows.labels + i) == own : none;
        if (!eight_in_curves(I8::load((const int64_t *)rows.keys + i), positive, copies, two, 8, table)) return false;
    }
    if (whole == rows.n) return true;
    const int count = (int)(rows.n - whole);
    (bits(D8::all(1.0)) << 1).store(some);
    memcpy(some, rows.keys + whole, count * sizeof(int64_t));
    if (two) memcpy(of_some, rows.labels + whole, count * sizeof(int64_t));
    return eight_in_curves(I8::load(some), two ? I8::load(of_some) == own : none, copies, two, count, table);
}

static Flag curves(const CurveRows &rows)
{
    const int64_t bytes = round_up(CURVE_COPIES * (rows.labels ? 4 : 2) * CURVE_CELLS * (int64_t)sizeof(PairVector));
    double *table = (double *)aligned_alloc(64, bytes);
    if (!table) return REFUSED;
    memset(table, 0, bytes);
    const bool added = add_to_curves(rows, table);
    if (added) leave_curves(rows, table);
    free(table);
    return added ? DONE : REFUSED;
}
