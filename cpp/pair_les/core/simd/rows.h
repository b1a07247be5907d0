// SPDX-License-Identifier: MIT
// What a loop over pairs does besides arithmetic, on lanes of doubles: rows of four numbers gathered into lanes and scattered
// again, and lanes packed by a condition. Instruction sets differ in the comparison and the packing by more than their width.

#ifndef PAIR_LES_CORE_SIMD_ROWS_H
#define PAIR_LES_CORE_SIMD_ROWS_H

#include "lanes.h"

#if PAIR_LES_VECTOR_BYTES == 64 && defined(__AVX512VL__) && defined(__AVX512DQ__)
#define PAIR_LES_PACK_AVX512
#elif PAIR_LES_VECTOR_BYTES == 32 && defined(__AVX2__)
#define PAIR_LES_PACK_AVX2
#endif
#if defined(PAIR_LES_PACK_AVX512) || defined(PAIR_LES_PACK_AVX2)
#include <immintrin.h>
#endif

#define PAIR_LES_INLINE inline __attribute__((always_inline))

namespace pair_les::PAIR_LES_INSTRUCTION_SET {

using Doubles = Lanes<double>;
inline constexpr int WIDTH = width_of<double>;
typedef int Indices __attribute__((vector_size(4 * WIDTH)));

PAIR_LES_INLINE Indices load_indices(const int *from)
{
  Indices lanes;
  __builtin_memcpy(&lanes, from, sizeof(lanes));
  return lanes;
}
PAIR_LES_INLINE void store_indices(int *to, const Indices &lanes)
{
  __builtin_memcpy(to, &lanes, sizeof(lanes));
}

PAIR_LES_INLINE Doubles to_doubles(const Indices &x)
{
#if defined(PAIR_LES_PACK_AVX512)
  return _mm512_cvtepi32_pd((__m256i) x); // gcc makes four instructions of the other form
#else
  return __builtin_convertvector(x, Doubles);
#endif
}

// Columns of rows, as many as there are lanes.
struct Columns {
  Doubles a, b, c, d;
};

#if PAIR_LES_VECTOR_BYTES >= 32
typedef double Row __attribute__((vector_size(32)));

PAIR_LES_INLINE Row load_row(const double *from)
{
  Row row;
  __builtin_memcpy(&row, from, sizeof(row));
  return row;
}
PAIR_LES_INLINE void subtract_row(double *from, const Row &row)
{
  const Row difference = load_row(from) - row;
  __builtin_memcpy(from, &difference, sizeof(row));
}

// Rows and columns exchanged in each block of four lanes; its own inverse.
PAIR_LES_INLINE void transpose_blocks(Columns &x)
{
  constexpr typename NumbersBelow<WIDTH>::type lanes;
  exchange<1>(x.a, x.b, lanes);
  exchange<1>(x.c, x.d, lanes);
  exchange<2>(x.a, x.c, lanes);
  exchange<2>(x.b, x.d, lanes);
}
#endif

#if PAIR_LES_VECTOR_BYTES == 64
PAIR_LES_INLINE Doubles joined(const Row &low, const Row &high)
{
#if defined(PAIR_LES_PACK_AVX512)
  return _mm512_insertf64x4(_mm512_castpd256_pd512(low), high, 1);
#else
  return Doubles{low[0], low[1], low[2], low[3], high[0], high[1], high[2], high[3]};
#endif
}
PAIR_LES_INLINE void subtract_both(double *from_low, double *from_high, const Doubles &rows)
{
#if defined(__clang__) || __GNUC__ >= 12
  subtract_row(from_low, __builtin_shufflevector(rows, rows, 0, 1, 2, 3));
  subtract_row(from_high, __builtin_shufflevector(rows, rows, 4, 5, 6, 7));
#else
  subtract_row(from_low, Row{rows[0], rows[1], rows[2], rows[3]});
  subtract_row(from_high, Row{rows[4], rows[5], rows[6], rows[7]});
#endif
}
#endif

// Rows k[0] .. k[WIDTH - 1] of a table whose rows are four doubles `c`.
template <class Table> PAIR_LES_INLINE Columns load_rows(const Table *rows, const int *k)
{
#if PAIR_LES_VECTOR_BYTES == 64
  Columns x{joined(load_row(rows[k[0]].c), load_row(rows[k[4]].c)),
            joined(load_row(rows[k[1]].c), load_row(rows[k[5]].c)),
            joined(load_row(rows[k[2]].c), load_row(rows[k[6]].c)),
            joined(load_row(rows[k[3]].c), load_row(rows[k[7]].c))};
  transpose_blocks(x);
#elif PAIR_LES_VECTOR_BYTES == 32
  Columns x{load_row(rows[k[0]].c), load_row(rows[k[1]].c), load_row(rows[k[2]].c),
            load_row(rows[k[3]].c)};
  transpose_blocks(x);
#else
  constexpr typename NumbersBelow<WIDTH>::type lanes;
  Columns x{load(rows[k[0]].c), load(rows[k[1]].c), load(rows[k[0]].c + 2), load(rows[k[1]].c + 2)};
  exchange<1>(x.a, x.b, lanes);
  exchange<1>(x.c, x.d, lanes);
#endif
  return x;
}

// Subtracts from those rows, one after the other: a row may occur twice.
template <class Table> PAIR_LES_INLINE void subtract_rows(Table *rows, const int *k, Columns x)
{
#if PAIR_LES_VECTOR_BYTES == 64
  transpose_blocks(x);
  subtract_both(rows[k[0]].c, rows[k[4]].c, x.a);
  subtract_both(rows[k[1]].c, rows[k[5]].c, x.b);
  subtract_both(rows[k[2]].c, rows[k[6]].c, x.c);
  subtract_both(rows[k[3]].c, rows[k[7]].c, x.d);
#elif PAIR_LES_VECTOR_BYTES == 32
  transpose_blocks(x);
  subtract_row(rows[k[0]].c, x.a);
  subtract_row(rows[k[1]].c, x.b);
  subtract_row(rows[k[2]].c, x.c);
  subtract_row(rows[k[3]].c, x.d);
#else
  for (int i = 0; i < WIDTH; ++i) {
    double *const row = rows[k[i]].c;
    row[0] -= x.a[i];
    row[1] -= x.b[i];
    row[2] -= x.c[i];
    row[3] -= x.d[i];
  }
#endif
}

#ifdef PAIR_LES_PACK_AVX2
// Numbers of the lanes with a set bit, for each set of four bits: halves of doubles, and integers.
struct PackedOrder {
  alignas(32) int halves[16][8] = {};
  alignas(16) int integers[16][4] = {};

  constexpr PackedOrder()
  {
    for (int bits = 0; bits < 16; ++bits)
      for (int lane = 0, n = 0; lane < 4; ++lane)
        if (bits >> lane & 1) {
          halves[bits][2 * n] = 2 * lane;
          halves[bits][2 * n + 1] = 2 * lane + 1;
          integers[bits][n++] = lane;
        }
  }
};
inline constexpr PackedOrder PACKED_ORDER;
#endif

// The lanes where a < b, packed: put() writes them one after the other and may write up to WIDTH numbers.
class LanesBelow {
 public:
  // only of the first n lanes, 0 < n
  PAIR_LES_INLINE LanesBelow(const Doubles &a, const Doubles &b, std::size_t n)
  {
#if defined(PAIR_LES_PACK_AVX512)
    bits_ = _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ);
#elif defined(PAIR_LES_PACK_AVX2)
    bits_ = static_cast<unsigned>(_mm256_movemask_pd(_mm256_cmp_pd(a, b, _CMP_LT_OQ)));
#else
    const auto below = a < b;
    for (int lane = 0; lane < WIDTH; ++lane) bits_ |= (below[lane] ? 1u : 0u) << lane;
#endif
    if (n < WIDTH) bits_ &= (1u << n) - 1;
  }

  PAIR_LES_INLINE int count() const { return __builtin_popcount(bits_); }

  PAIR_LES_INLINE void put(double *to, const Doubles &x) const
  {
#if defined(PAIR_LES_PACK_AVX512)
    _mm512_storeu_pd(to, _mm512_maskz_compress_pd(static_cast<__mmask8>(bits_), x));
#elif defined(PAIR_LES_PACK_AVX2)
    const __m256i order =
        _mm256_load_si256(reinterpret_cast<const __m256i *>(PACKED_ORDER.halves[bits_]));
    _mm256_storeu_ps(reinterpret_cast<float *>(to),
                     _mm256_permutevar8x32_ps(_mm256_castpd_ps(x), order));
#else
    for (int lane = 0, n = 0; lane < WIDTH; ++lane) {
      to[n] = x[lane];
      n += static_cast<int>(bits_ >> lane & 1);
    }
#endif
  }

  PAIR_LES_INLINE void put(int *to, const Indices &x) const
  {
#if defined(PAIR_LES_PACK_AVX512)
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(to),
                        _mm256_maskz_compress_epi32(static_cast<__mmask8>(bits_), (__m256i) x));
#elif defined(PAIR_LES_PACK_AVX2)
    const __m128i order =
        _mm_load_si128(reinterpret_cast<const __m128i *>(PACKED_ORDER.integers[bits_]));
    _mm_storeu_ps(reinterpret_cast<float *>(to),
                  _mm_permutevar_ps(_mm_castsi128_ps((__m128i) x), order));
#else
    for (int lane = 0, n = 0; lane < WIDTH; ++lane) {
      to[n] = x[lane];
      n += static_cast<int>(bits_ >> lane & 1);
    }
#endif
  }

 private:
  unsigned bits_ = 0;
};

} // namespace pair_les::PAIR_LES_INSTRUCTION_SET

#endif
