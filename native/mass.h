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
INLINE void cells_in(I8 patterns, int64_t *cell)
{
    cells_of(patterns).store(cell);
    for (int lane = 0; lane < 8; lane++)
        if ((uint64_t)cell[lane] >= (uint64_t)CELLS) cell[lane] = CELLS - 1;
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
        cells_in(some_patterns(keys + i, count), cell);
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

// Sums of the rows of each segment; returns the number of keys that were kept. table: 4 x 2 x (count + 1) cells of 0.
static int64_t segment_sums(const Segments &s, Cell *table)
{
    const int64_t size = s.count + 1;
    int64_t found = 0;
    for (int64_t i = 0; i < s.n; i += 8) {
        const int count = s.n - i < 8 ? (int)(s.n - i) : 8;
        int64_t cell[8], pattern[8];
        I8 patterns = some_patterns(s.keys + i, count);
        cells_in(patterns, cell);
        patterns.store(pattern);
        for (int lane = 0; lane < count; lane++) {
            int64_t segment = s.of_cell[cell[lane]];
            if (segment < 0) segment = segment_of(s, pattern[lane]);
            const uint64_t key = s.keys[i + lane];
            double p;
            memcpy(&p, &pattern[lane], sizeof p);
            put(table + ((lane & 3) * 2 + (int64_t)(key & 1)) * size + segment, p);
            if (s.kept[segment]) s.found[found++] = key;
        }
    }
    for (int64_t segment = 0; segment < size; segment++) {
        CellVector wrong = {0.0, 0.0, 0.0, 0.0}, right = wrong;
        for (int copy = 0; copy < 4; copy++) {
            wrong += *(CellVector *)(table + (copy * 2) * size + segment);
            right += *(CellVector *)(table + (copy * 2 + 1) * size + segment);
        }
        const CellVector both = wrong + right;
        const double sums[5] = {both[0], both[1], both[2], right[0], right[1]};
        for (int row = 0; row < 5; row++) s.sums[row * size + segment] = sums[row];
    }
    return found;
}
