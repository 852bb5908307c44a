// The rows of an even sample: those whose hashes are below a limit, as sample.py says.

#include <cstdint>

// Their places, of which there may be as many as rows; returns how many there are. first: the first row's position.
inline int64_t chosen_rows(uint32_t first, uint32_t limit, int64_t rows, int64_t *places)
{
    constexpr uint32_t STEP = 2654435769u; // 2^32 over the golden ratio
    uint32_t hash = first * STEP;
    int64_t found = 0;
    for (int64_t i = 0; i < rows; i++, hash += STEP) {
        places[found] = i;
        found += hash < limit;
    }
    return found;
}
