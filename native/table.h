// Text tables of plain numbers, parsed to the nearest doubles. A cell is [+-] digits [. digits] [e [+-] digits], with a digit
// before or after the point. Whatever else stands there, even blanks, makes the block one that this parser does not know.

#include <float.h>
#include <stdint.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define EIGHT_AT_ONCE 1
#endif

// A block of whole lines, and where its numbers go.
struct TableText {
    const char *text;        // ends in a line feed
    int64_t size;
    char separator;
    int64_t rows, columns;
    double *values;          // (rows, columns)
    uint8_t *flags;          // (columns,): FRACTION and PADDED, of any cell
    int64_t *left;           // (most_left, 3): cells left to the caller: place in values, first byte, byte after the last
    int64_t most_left;
    const uint64_t *powers;  // (POWERS, 2): the first 128 bits of 5^q, rounded down, high word first; q from FIRST_POWER on
    const int32_t *exponents;// (POWERS,): 5^q lies in [powers, powers + 1) * 2^exponent
};

enum { FRACTION = 1, PADDED = 2 };
enum { FIRST_POWER = -330, POWERS = 639 };

static const int MOST_DIGITS = 19;            // of a number below 2^64
static const uint64_t EXACT = 1ull << 53;     // whole numbers below are doubles
static const int EXACT_POWER = 22;            // 10^22 is the largest power of ten that is a double
static const double TENS[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                              1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static inline bool is_digit(char c) { return (unsigned char)(c - '0') < 10; }

// Appends digits to a whole number, modulo 2^64; returns where they end.
static inline const char *digits(const char *at, const char *end, uint64_t &number)
{
#ifdef EIGHT_AT_ONCE
    static const uint32_t SHIFTS[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
    while (end - at >= 8) {
        uint64_t eight;
        memcpy(&eight, at, 8);
        eight ^= 0x3030303030303030ull;  // digits become 0 to 9
        uint64_t others = ((eight + 0x0606060606060606ull) | eight) & 0xf0f0f0f0f0f0f0f0ull;
        int count = others ? __builtin_ctzll(others) >> 3 : 8;
        if (!count) return at;
        eight <<= 64 - 8 * count;  // the last digit is in the highest byte, and zeros stand before the first
        eight = eight * 10 + (eight >> 8);  // in bytes 0, 2, 4, 6: numbers of two digits
        eight = ((eight & 0x000000ff000000ffull) * 0x000f424000000064ull +
                 (eight >> 16 & 0x000000ff000000ffull) * 0x0000271000000001ull) >> 32;
        number = number * SHIFTS[count] + (uint32_t)eight;
        at += count;
        if (count < 8) return at;
    }
#endif
    for (; at < end && is_digit(*at); at++) number = number * 10 + (uint64_t)(*at - '0');
    return at;
}

// number * 10^power, rounded to the nearest double, ties to even; false where this does not decide it.
// 0 < number < 2^64. With the 128 bits of 5^power, which are too small by less than one unit, the product is known within
// two units of 2^-127 of it. Rounding is decided unless half a step lies between (the idea: D. Lemire, Number parsing at
// a gigabyte per second, 2021).
static inline bool nearest(uint64_t number, int power, const TableText &table, double &value)
{
#if FLT_EVAL_METHOD == 0
    if (number <= EXACT && power >= -EXACT_POWER && power <= EXACT_POWER) {  // W. D. Clinger, 1990: one rounding
        value = power < 0 ? (double)number / TENS[-power] : (double)number * TENS[power];
        return true;
    }
#endif
#ifdef __SIZEOF_INT128__
    typedef unsigned __int128 Wide;
    int row = power - FIRST_POWER;
    if (row < 0 || row >= POWERS) return false;
    int zeros = __builtin_clzll(number);
    number <<= zeros;
    Wide product = (Wide)number * table.powers[2 * row] + (uint64_t)((Wide)number * table.powers[2 * row + 1] >> 64);
    int top = (int)(product >> 127);  // the product has 127 or 128 bits
    int drop = 74 + top;              // all but 53 of them
    uint64_t mantissa = (uint64_t)(product >> drop);
    Wide rest = product & (((Wide)1 << drop) - 1), half = (Wide)1 << (drop - 1);
    if (rest > half) mantissa++;
    else if (rest + 2 > half) return false;
    int exponent = table.exponents[row] + power + 64 - zeros + drop;  // of the mantissa's last bit
    if (mantissa == EXACT) { mantissa >>= 1; exponent++; }
    if (exponent < -1074 || exponent > 971) return false;  // subnormal, or too large
    uint64_t bits = (uint64_t)(exponent + 1075) << 52 | (mantissa & (EXACT / 2 - 1));
    memcpy(&value, &bits, 8);
    return true;
#else
    (void)table;
    return false;
#endif
}

// Returns how many cells were left to the caller, or -1 if the text is anything but rows of as many plain numbers.
static int64_t parse_table(const TableText &table)
{
    const char *at = table.text, *end = table.text + table.size;
    int64_t left = 0, place = 0;
    for (int64_t row = 0; row < table.rows; row++) {
        for (int64_t column = 0; column < table.columns; column++, place++) {
            const char *start = at;
            bool negative = at < end && *at == '-';
            if (negative || (at < end && *at == '+')) at++;
            const char *first = at;
            uint64_t number = 0;
            at = digits(at, end, number);
            int64_t count = at - first;
            int64_t power = 0;
            uint8_t seen = at == start + count && count > 1 && *first == '0' ? PADDED : 0;
            if (at < end && *at == '.') {
                const char *point = ++at;
                at = digits(at, end, number);
                power = point - at;
                count -= power;
                seen |= FRACTION;
            }
            if (!count) return -1;
            if (at < end && (*at == 'e' || *at == 'E')) {
                at++;
                bool down = at < end && *at == '-';
                if (down || (at < end && *at == '+')) at++;
                const char *exponent = at;
                int64_t size = 0;
                for (; at < end && is_digit(*at); at++) size = size < 100000 ? size * 10 + (*at - '0') : size;
                if (at == exponent) return -1;
                power += down ? -size : size;
                seen |= FRACTION;
            }
            table.flags[column] |= seen;
            double value = 0.0;
            bool whole = !(seen & FRACTION);
            if (whole && (count > MOST_DIGITS || number >= EXACT)) return -1;
            if (count > MOST_DIGITS || (number && (power < -1000 || power > 1000 || !nearest(number, (int)power, table, value)))) {
                if (left == table.most_left) return -1;
                int64_t *cell = table.left + 3 * left++;
                cell[0] = place;
                cell[1] = start - table.text;
                cell[2] = at - table.text;
            }
            table.values[place] = negative ? -value : value;
            if (column + 1 < table.columns) {
                if (at == end || *at != table.separator) return -1;
            } else {
                if (at < end && *at == '\r') at++;
                if (at == end || *at != '\n') return -1;
            }
            at++;
        }
    }
    return at == end ? left : -1;
}
