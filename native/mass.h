// Bins of equally many rows, from sort keys: a histogram of the confidences, and sums over the rows between two cuts.

// The cells of eight confidences, ascending with them: 2^OCTAVE_BITS for each halving of the distance from 1, which is
// counted in steps of 2^STEP_BITS bit patterns.
INLINE I8 cells_of(I8 pattern)
{
    const int64_t one = 0x3ff0000000000000;
    I8 steps = (I8::all(one + (1LL << STEP_BITS)) - pattern) >> STEP_BITS; // below 2^53
    I8 low = steps & I8::all(0xffffffff), high = steps >> 32;
    // An integer below 2^52 in the mantissa of 2^52 is that much above it; both halves add up exactly.
    D8 small = real(low | I8::all(0x4330000000000000)) - D8::all(0x1p52);
    D8 large = real(high | I8::all(0x4330000000000000)) - D8::all(0x1p52);
    D8 distance = fma(large, D8::all(0x1p32), small);
    return I8::all(((52LL + 1023) << OCTAVE_BITS) - 1) - (bits(distance) >> (52 - OCTAVE_BITS));
}

// The cells as positions in a table: keys that are no confidences could lie outside it.
INLINE I8 cells_in(I8 patterns)
{
    const I8 last = I8::all(CELLS - 1), cells = cells_of(patterns);
    return choose((cells < I8::all(0)) | (cells > last), last, cells);
}

INLINE I8 some_patterns(const uint64_t *keys, int count)
{
    int64_t some[8] = {0};
    memcpy(some, keys, count * sizeof(int64_t));
    return I8::load(some) >> 1;
}

static void histogram(const uint64_t *keys, int64_t n, int64_t *counts, uint32_t *second)
{
    for (int64_t i = 0; i < n; i += 8) {
        const int count = n - i < 8 ? (int)(n - i) : 8;
        int64_t cell[8];
        cells_in(some_patterns(keys + i, count)).store(cell);
        // Equal cells one after another would wait for each other, so every other row counts in a second histogram.
        for (int lane = 0; lane < count; lane += 2) counts[cell[lane]]++;
        for (int lane = 1; lane < count; lane += 2) second[cell[lane]]++;
    }
    for (int64_t cell = 0; cell < CELLS; cell++) counts[cell] += second[cell];
}

// The number of cuts that are at or below the pattern.
INLINE int64_t segment_of(const Segments &s, int64_t pattern)
{
    int64_t low = 0, high = s.count;
    while (low < high) {
        const int64_t middle = (low + high) >> 1;
        if (s.cuts[middle] <= pattern) low = middle + 1; else high = middle;
    }
    return low;
}

// Sums of rows: of p, of its square, and how many.
struct SegmentTable {
    double *sums;     // (SEGMENT_COPIES, 2, segments) pairs; the second index is whether a row is right
    uint32_t *counts; // likewise; fewer than 2^32 rows
};
constexpr int64_t SEGMENT_COPIES = 4, SEGMENT_BYTES = SEGMENT_COPIES * 2 * (int64_t)(sizeof(PairVector) + sizeof(uint32_t));

INLINE SegmentTable segment_table(char *memory, int64_t size)
{
    return {(double *)memory, (uint32_t *)(memory + SEGMENT_COPIES * 2 * size * (int64_t)sizeof(PairVector))};
}

// Eight rows from row i on, of which `count` exist; returns how many keys were kept then.
INLINE int64_t eight_in_segments(const Segments &s, const int32_t *of_cell, const SegmentTable &table, I8 copies, I8 key, int count,
                                 int64_t found)
{
    int64_t cell[8], keys[8], at[8];
    double pairs[16];
    const I8 patterns = key >> 1;
    cells_in(patterns).store(cell);
    key.store(keys);
    (copies + ((I8::all(0) - (key & I8::all(1))) & I8::all(s.count + 1))).store(at);
    const D8 p = real(patterns);
    PairAdder::interleave(p, p * p, pairs);
#pragma GCC unroll 8
    for (int lane = 0; lane < count; lane++) {
        int64_t segment = of_cell[cell[lane]];
        if (__builtin_expect(segment < 0, 0)) {
            segment = segment_of(s, (int64_t)((uint64_t)keys[lane] >> 1));
            if (s.kept[segment]) s.found[found++] = (uint64_t)keys[lane];
        }
        segment += at[lane];
        *((PairVector *)table.sums + segment) += *(const PairVector *)(pairs + PairAdder::place_of(lane));
        table.counts[segment]++;
    }
    return found;
}

// Sums of the rows of each segment; returns the number of keys that were kept. The table is 0.
// of_cell: the segment of each cell if it has only one, whose rows are not kept, else -1.
static int64_t segment_sums(const Segments &s, const int32_t *of_cell, const SegmentTable &table)
{
    const int64_t size = s.count + 1, whole = s.n & ~7LL;
    int64_t found = 0, starts[8];
    for (int lane = 0; lane < 8; lane++) starts[lane] = (lane & (SEGMENT_COPIES - 1)) * 2 * size;
    const I8 copies = I8::load(starts);
    for (int64_t i = 0; i < whole; i += 8)
        found = eight_in_segments(s, of_cell, table, copies, I8::load((const int64_t *)s.keys + i), 8, found);
    if (whole < s.n) {
        int64_t some[8] = {0};
        memcpy(some, s.keys + whole, (s.n - whole) * sizeof(int64_t));
        found = eight_in_segments(s, of_cell, table, copies, I8::load(some), (int)(s.n - whole), found);
    }
    for (int64_t segment = 0; segment < size; segment++) {
        PairVector sums[2] = {{0.0, 0.0}, {0.0, 0.0}};
        double count[2] = {0.0, 0.0};
        for (int64_t copy = 0; copy < SEGMENT_COPIES; copy++)
            for (int right = 0; right < 2; right++) {
                const int64_t at = (copy * 2 + right) * size + segment;
                sums[right] += *((const PairVector *)table.sums + at);
                count[right] += (double)table.counts[at];
            }
        const PairVector both = sums[0] + sums[1];
        const double all[5] = {count[0] + count[1], both[0], both[1], count[1], sums[1][0]};
        for (int row = 0; row < 5; row++) s.sums[row * size + segment] = all[row];
    }
    return found;
}
