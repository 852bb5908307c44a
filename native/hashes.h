// The multilinear hash of rows of floats, modulo 2^64: the sum of the bits of each value times the factor of its column.

static void row_hashes(const RowHashes &job)
{
    constexpr int SIDE = 8 / LANES; // vectors of eight words
    typedef uint32_t Bits __attribute__((vector_size(4 * LANES)));
    const int64_t k = job.k, full = k & ~7LL;
    for (int64_t i = 0; i < job.n; i++) {
        const uint32_t *row = job.bits + i * k;
        Words total[SIDE] = {};
        for (int64_t c = 0; c < full; c += 8)
            for (int u = 0; u < SIDE; u++) {
                Bits bits;
                Words factors;
                memcpy(&bits, row + c + u * LANES, sizeof bits);
                memcpy(&factors, job.factors + c + u * LANES, sizeof factors);
                bits = bits & (Bits)(bits != NEGATIVE_ZERO);
                const Words x = __builtin_convertvector(bits, Words);
                // Of a product, the lower half of the factor counts whole, and the upper half by its lower bits.
                total[u] += x * (factors & 0xffffffff) + (x * (factors >> 32) << 32);
            }
        uint64_t sum = job.hashes[i];
        for (const Words &one : total)
            for (int lane = 0; lane < LANES; lane++) sum += one[lane];
        for (int64_t c = full; c < k; c++) sum += (row[c] == NEGATIVE_ZERO ? 0 : row[c]) * job.factors[c];
        job.hashes[i] = sum;
    }
}
