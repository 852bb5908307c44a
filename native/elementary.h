// exp and log of eight doubles, within 0.7 and 1 units in the last place, by polynomials whose coefficients were fitted
// for the least largest error on the reduced argument. Multiplications and additions are fused where it says fma, and
// nowhere else.

constexpr double LOWEST = -708.0; // exp of less is taken as 0; the smallest normal double is exp(-708.4)

// exp of several x <= 1, side by side: each waits for its own multiplications only. Unless LOW, x must not be below
// LOWEST. NaN gives NaN.
template <bool LOW, int U> INLINE void exps(D8 (&x)[U])
{
    const D8 rounder = D8::all(0x1.8p52); // adding it rounds to an integer, which the lowest bits of the sum hold
    D8 shifted[U], r[U], p[U];
    I8 ordinary[U];
#define EACH UNROLL for (int u = 0; u < U; u++)
#define TERM(number) { const D8 term = D8::all(number); EACH p[u] = fma(p[u], r[u], term); }
    if (LOW) {
        EACH ordinary[u] = ~(x[u] < D8::all(LOWEST));
        EACH x[u] = larger(D8::all(LOWEST), x[u]);
    }
    EACH shifted[u] = fma(x[u], D8::all(0x1.71547652b82fep0), rounder); // x / ln 2
    EACH p[u] = shifted[u] - rounder;
    EACH r[u] = fma(p[u], D8::all(-0x1.62e42fefa39efp-1), x[u]); // x - n ln 2, with ln 2 in two parts
    EACH r[u] = fma(p[u], D8::all(-0x1.abc9e3b39803fp-56), r[u]);
    EACH p[u] = fma(D8::all(0x1.af389ecfc4b9cp-26), r[u], D8::all(0x1.28917c89a43a7p-22));
    TERM(0x1.71de0db2f6b19p-19)
    TERM(0x1.a019b9149a41cp-16)
    TERM(0x1.a01a01a7c2efep-13)
    TERM(0x1.6c16c17889ef1p-10)
    TERM(0x1.11111111109b5p-7)
    TERM(0x1.5555555553d68p-5)
    TERM(0x1.5555555555556p-3)
    TERM(0.5)
    TERM(1.0)
    TERM(1.0)
    EACH {
        I8 scaled = bits(p[u]) + (bits(shifted[u]) << 52); // times 2^n
        x[u] = real(LOW ? scaled & ordinary[u] : scaled);
    }
#undef TERM
#undef EACH
}

template <bool LOW> INLINE D8 exp(D8 x)
{
    D8 one[1] = {x};
    exps<LOW>(one);
    return one[0];
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
