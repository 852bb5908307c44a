// The kernels for the instruction sets of this processor, best first. All compute the same bits.

#include "job.h"

struct Kernel {
    Flag (*run)(Job &job, bool of_floats);
    Flag (*kept_rows)(const KeptRows &rows);
    Flag (*count_cells)(const uint64_t *keys, int64_t n, int64_t *counts);
    int64_t (*segments)(const Segments &s);
    Flag (*at_beta)(const AtBeta &job, bool of_floats);
    Flag (*softmax)(const Softmax &job);
    Flag (*curves)(const CurveRows &rows);
    void (*row_hashes)(const RowHashes &job);
};

struct Named { const char *name; const Kernel *kernel; };

// Fills in the kernels that can run here; returns their number, at most 3.
int kernels(Named *out);
