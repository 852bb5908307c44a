// exp and log of eight doubles, within 0.7 and 1 units in the last place, by polynomials whose coefficients were fitted
// for the least largest error on the reduced argument. Multiplications and additions are fused where it says fma, and
// nowhere else.

constexpr double LOWEST = -708.0; // exp of less is taken as 0; the smallest normal double is exp(-708.4)

// exp for x <= 1. Unless LOW, x must not be below LOWEST. NaN gives NaN.
template <bool LOW> INLINE D8 exp(D8 x)
{
    const D8 rounder = D8::all(0x1.8p52); // adding it rounds to an integer, which the lowest bits of the sum hold
    I8 ordinary;
    if (LOW) {
        ordinary = ~(x < D8::all(LOWEST));
        x = larger(D8::all(LOWEST), x);
    }
    D8 shifted = fma(x, D8::all(0x1.71547652b82fep0), rounder); // x / ln 2
    D8 n = shifted - rounder;
    D8 r = fma(n, D8::all(-0x1.62e42fefa39efp-1), x); // x - n ln 2, with ln 2 in two parts
    r = fma(n, D8::all(-0x1.abc9e3b39803fp-56), r);
    D8 p = D8::all(0x1.af389ecfc4b9cp-26);
    p = fma(p, r, D8::all(0x1.28917c89a43a7p-22));
    p = fma(p, r, D8::all(0x1.71de0db2f6b19p-19));
    p = fma(p, r, D8::all(0x1.a019b9149a41cp-16));
    p = fma(p, r, D8::all(0x1.a01a01a7c2efep-13));
    p = fma(p, r, D8::all(0x1.6c16c17889ef1p-10));
    p = fma(p, r, D8::all(0x1.11111111109b5p-7));
    p = fma(p, r, D8::all(0x1.5555555553d68p-5));
    p = fma(p, r, D8::all(0x1.5555555555556p-3));
    p = fma(p, r, D8::all(0.5));
    p = fma(p, r, D8::all(1.0));
    p = fma(p, r, D8::all(1.0));
    I8 scaled = bits(p) + (bits(shifted) << 52); // times 2^n
    return real(LOW ? scaled & ordinary : scaled);
}

// ln(2^n m) for m between sqrt(1/2) and sqrt(2).
INLINE D8 log_of_parts(D8 m, D8 n)
{
    D8 s = (m - D8::all(1.0)) / (m + D8::all(1.0)); // log m = 2 artanh s
    D8 u = s * s;
    D8 p = D8::all(0x1.2b584aae78a57p-3);
    p = fma(p, u, D8::all(0x1.39fe606542ddep-3));
    p = fma(p, u, D8::all(0x1.7462b4ab2ef6bp-3));
    p = fma(p, u, D8::all(0x1.c71c62e5800a1p-3));
    p = fma(p, u, D8::all(0x1.2492492df148dp-2));
    p = fma(p, u, D8::all(0x1.99999999952e2p-2));
    p = fma(p, u, D8::all(0x1.5555555555558p-1));
    D8 low = fma(n, D8::all(0x1.abc9e3b39803fp-56), s * u * p);
    return fma(n, D8::all(0x1.62e42fefa39efp-1), fma(D8::all(2.0), s, low));
}

// log for normal, positive x.
INLINE D8 log(D8 x)
{
    I8 b = bits(x);
    I8 up = ((b & I8::all(0x000fffffffffffff)) > I8::all(0x6a09e667f3bcd)) & I8::all(1); // the mantissa exceeds sqrt(2)
    I8 e = (b >> 52) + up;
    return log_of_parts(real(b - ((e - I8::all(1023)) << 52)), real(e | I8::all(0x4330000000000000)) - D8::all(0x1.00000000003ffp52));
}

// The same bits for x from 1 to 2.
INLINE D8 log_up_to_two(D8 x)
{
    I8 up = x > D8::all(0x1.6a09e667f3bcdp0);
    return log_of_parts(choose(up, x * D8::all(0.5), x), choose(up, D8::all(1.0), D8::all(0.0)));
}

// log for any x >= 0: -inf of 0, and of numbers below the normal ones the logarithm of 2^54 x, less 54 ln 2.
APART D8 log_of_any(D8 x)
{
    I8 tiny = x < D8::all(0x1p-1022), nothing = x == D8::all(0.0);
    if (__builtin_expect(!tiny.any(), 1)) return log(x);
    D8 found = log(choose(tiny, choose(nothing, D8::all(1.0), x * D8::all(0x1p54)), x));
    found = choose(tiny, found - D8::all(0x1.2b708872320e2p5), found);
    return choose(nothing, D8::all(-__builtin_inf()), found);
}
