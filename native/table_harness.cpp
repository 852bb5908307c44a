// Random and mutated tables for `make fuzz`, under sanitizers: prints how many were tables. Values are tested from Python.

#include <stdio.h>
#include <stdlib.h>

#include "table.h"

static uint64_t state = 1;
static uint64_t draw(uint64_t below)
{
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (state >> 33) % below;
}

int main(int count, char **arguments)
{
    const int64_t tables = count > 1 ? atoll(arguments[1]) : 2000000;
    const char pieces[][24] = {"0", "1", "-", "+", ".", "e", "E", ",", "\r", "\n", "00", "12345678", "9007199254740993",
                               "18446744073709551616", "e-320", "e400", " ", "\"", "\t", "nan", ".5,", "1.25,", "7\n", "-0.1\n"};
    static uint64_t powers[2 * POWERS];
    static int32_t exponents[POWERS];
    for (int i = 0; i < POWERS; i++) powers[2 * i] = 1ull << 63, exponents[i] = -127;
    int64_t found = 0;
    for (int64_t i = 0; i < tables; i++) {
        int64_t columns = 1 + (int64_t)draw(4), rows = 1 + (int64_t)draw(4), size = 0, most_left = (int64_t)draw(3);
        char made[2048];
        if (draw(2)) {  // a table, of which one byte may be changed
            for (int64_t cell = 0; cell < rows * columns; cell++)
                size += snprintf(made + size, sizeof made - (size_t)size, "%.*g%s", (int)draw(20), ((double)draw(1 << 30) - 5e8) / 1e6,
                                 (cell + 1) % columns ? "," : draw(2) ? "\n" : "\r\n");
            if (draw(3)) made[draw((uint64_t)size)] = "0.,e-\n\r"[draw(7)];
        } else {
            for (uint64_t parts = draw(24); parts; parts--) size += snprintf(made + size, 24, "%s", pieces[draw(24)]);
        }
        char *text = (char *)malloc((size_t)size + !size);  // of its exact size, so that a byte too far is noticed
        double *values = (double *)malloc(sizeof(double) * (size_t)(rows * columns));
        uint8_t *flags = (uint8_t *)calloc((size_t)columns, 1);
        int64_t *left = (int64_t *)malloc(sizeof(int64_t) * 3 * (size_t)most_left + !most_left);
        memcpy(text, made, (size_t)size);
        found += parse_table({text, size, ',', rows, columns, values, flags, left, most_left, powers, exponents}) >= 0;
        free(text), free(values), free(flags), free(left);
    }
    printf("%lld of %lld are tables\n", (long long)found, (long long)tables);
    return found ? 0 : 1;
}
