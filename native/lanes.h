// Eight numbers at a time, in registers of LANES doubles. Whatever LANES is, the eight lanes stand for the same rows or
// classes, and their sum is taken in the same order, so every processor computes the same bits.
//
// Included once for each instruction set, inside a namespace of its own, with LANES defined.

#if (defined(__x86_64__) && LANES == 2) || defined(CHECKED)
#define INLINE inline // every fma is a call, so inlining gains nothing; and sanitizers would take minutes over it
#else
#define INLINE inline __attribute__((always_inline))
#endif
#define APART static __attribute__((noinline)) // called once for eight rows or less: compiled once
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif
#define EACH_PART UNROLL for (int part = 0; part < PARTS; part++)

#if defined(__clang__) || __GNUC__ >= 12
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
typedef int32_t Picked __attribute__((vector_size(32)));
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (Picked){__VA_ARGS__})
#endif

constexpr int PARTS = 8 / LANES;

typedef double Reals __attribute__((vector_size(8 * LANES)));
typedef int64_t Ints __attribute__((vector_size(8 * LANES)));
typedef uint64_t Words __attribute__((vector_size(8 * LANES)));
typedef double LooseReals __attribute__((vector_size(8 * LANES), aligned(8), may_alias));
typedef int64_t LooseInts __attribute__((vector_size(8 * LANES), aligned(8), may_alias));
typedef float LooseFloats __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef float Floats __attribute__((vector_size(32)));
typedef int32_t FloatMask __attribute__((vector_size(32)));
typedef float EightLoose __attribute__((vector_size(32), aligned(4), may_alias));

// Eight integers; as the result of a comparison, every lane is 0 or -1.
struct I8 {
    Ints v[PARTS];
    static INLINE I8 all(int64_t x) { I8 r; EACH_PART r.v[part] = (Ints){} + x; return r; }
    static INLINE I8 load(const int64_t *p) { I8 r; EACH_PART r.v[part] = *(const LooseInts *)(p + part * LANES); return r; }
    INLINE void store(int64_t *p) const { EACH_PART *(LooseInts *)(p + part * LANES) = v[part]; }
    // One bit for each lane that is not 0.
    INLINE unsigned mask() const
    {
#if LANES == 8
        return (unsigned)_mm512_movepi64_mask((__m512i)v[0]);
#elif LANES == 4
        return (unsigned)(_mm256_movemask_pd((__m256d)v[0]) | _mm256_movemask_pd((__m256d)v[1]) << 4);
#else
        unsigned found = 0;
        for (int lane = 0; lane < 8; lane++) found |= (unsigned)(v[lane / LANES][lane % LANES] != 0) << lane;
        return found;
#endif
    }
    INLINE bool any() const
    {
#if LANES == 2
        Ints one = (v[0] | v[1]) | (v[2] | v[3]);
        return (one[0] | one[1]) != 0;
#else
        return mask() != 0;
#endif
    }
};

// Eight doubles.
struct D8 {
    Reals v[PARTS];
    static INLINE D8 all(double x) { D8 r; EACH_PART r.v[part] = (Reals){} + x; return r; }
    static INLINE D8 load(const double *p) { D8 r; EACH_PART r.v[part] = *(const LooseReals *)(p + part * LANES); return r; }
    static INLINE D8 load(const float *p)
    {
        D8 r;
#if LANES == 8
        r.v[0] = (Reals)_mm512_maskz_cvtps_pd(255, _mm256_loadu_ps(p)); // by themselves, compilers do it in two halves
#elif LANES == 4
        EACH_PART r.v[part] = (Reals)_mm256_cvtps_pd(_mm_loadu_ps(p + part * LANES));
#else
        EACH_PART r.v[part] = __builtin_convertvector(*(const LooseFloats *)(p + part * LANES), Reals);
#endif
        return r;
    }
    static INLINE D8 of(Floats x)
    {
#if LANES == 8
        D8 r;
        r.v[0] = (Reals)_mm512_maskz_cvtps_pd(255, (__m256)x);
        return r;
#else
        float all[8];
        *(EightLoose *)all = x;
        return load(all);
#endif
    }
    INLINE void store(double *p) const { EACH_PART *(LooseReals *)(p + part * LANES) = v[part]; }
    // Of lanes four apart, then two apart, then of neighbours.
    INLINE double sum() const
    {
#if LANES == 2
        const Reals two = (v[0] + v[2]) + (v[1] + v[3]);
#else
#if LANES == 8
        const __m256d low = _mm512_maskz_extractf64x4_pd(15, (__m512d)v[0], 0), high = _mm512_maskz_extractf64x4_pd(15, (__m512d)v[0], 1);
        const __m256d four = _mm256_add_pd(low, high);
#else
        const __m256d four = _mm256_add_pd((__m256d)v[0], (__m256d)v[1]);
#endif
        const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
#endif
        return two[0] + two[1];
    }
};

#define BINARY(Type, op) INLINE Type operator op(Type a, Type b) { Type r; EACH_PART r.v[part] = a.v[part] op b.v[part]; return r; }
BINARY(D8, +) BINARY(D8, -) BINARY(D8, *) BINARY(D8, /)
BINARY(I8, +) BINARY(I8, -) BINARY(I8, &) BINARY(I8, |)
#undef BINARY

#define COMPARISON(Type, op) INLINE I8 operator op(Type a, Type b) { I8 r; EACH_PART r.v[part] = (Ints)(a.v[part] op b.v[part]); return r; }
COMPARISON(D8, <) COMPARISON(D8, >) COMPARISON(D8, <=) COMPARISON(D8, >=) COMPARISON(D8, ==) COMPARISON(D8, !=)
COMPARISON(I8, >) COMPARISON(I8, <) COMPARISON(I8, ==)
#undef COMPARISON

INLINE I8 operator<<(I8 a, int by) { EACH_PART a.v[part] = a.v[part] << by; return a; }
INLINE I8 operator>>(I8 a, int by) { EACH_PART a.v[part] = (Ints)((Words)a.v[part] >> by); return a; }
INLINE I8 operator~(I8 a) { EACH_PART a.v[part] = ~a.v[part]; return a; }
INLINE I8 bits(D8 a) { I8 r; EACH_PART r.v[part] = (Ints)a.v[part]; return r; }
INLINE D8 real(I8 a) { D8 r; EACH_PART r.v[part] = (Reals)a.v[part]; return r; }
// `yes` where the lanes of a comparison are -1.
INLINE I8 choose(I8 where, I8 yes, I8 no) { I8 r; EACH_PART r.v[part] = where.v[part] ? yes.v[part] : no.v[part]; return r; }
INLINE D8 choose(I8 where, D8 yes, D8 no) { D8 r; EACH_PART r.v[part] = where.v[part] ? yes.v[part] : no.v[part]; return r; }
// The larger of both; b where either is NaN.
INLINE D8 larger(D8 a, D8 b) { D8 r; EACH_PART r.v[part] = a.v[part] > b.v[part] ? a.v[part] : b.v[part]; return r; }
INLINE D8 smaller(D8 a, D8 b) { D8 r; EACH_PART r.v[part] = a.v[part] < b.v[part] ? a.v[part] : b.v[part]; return r; }

// a b + c, rounded once.
INLINE D8 fma(D8 a, D8 b, D8 c)
{
    D8 r;
#if LANES == 8
    r.v[0] = (Reals)_mm512_fmadd_pd((__m512d)a.v[0], (__m512d)b.v[0], (__m512d)c.v[0]);
#elif LANES == 4
    EACH_PART r.v[part] = (Reals)_mm256_fmadd_pd((__m256d)a.v[part], (__m256d)b.v[part], (__m256d)c.v[part]);
#elif defined(__aarch64__)
    EACH_PART r.v[part] = (Reals)vfmaq_f64((float64x2_t)c.v[part], (float64x2_t)a.v[part], (float64x2_t)b.v[part]);
#else
    EACH_PART for (int lane = 0; lane < LANES; lane++)
        r.v[part][lane] = __builtin_fma(a.v[part][lane], b.v[part][lane], c.v[part][lane]);
#endif
    return r;
}

INLINE unsigned mask_of(FloatMask found)
{
#if LANES >= 4
    return (unsigned)_mm256_movemask_ps((__m256)found);
#else
    unsigned bits = 0;
    for (int lane = 0; lane < 8; lane++) bits |= (unsigned)(found[lane] != 0) << lane;
    return bits;
#endif
}
