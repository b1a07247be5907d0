// SPDX-License-Identifier: MIT
// Eight pairs at a time. Compiled for AVX-512 and called only where the processor has it. Per centre, the partners within the
// cutoff are packed first (a compressed store instead of a branch for each), then summed from contiguous memory.

#include "split_sum_kernels.h"

#include <immintrin.h>

#define PAIR_LES_INLINE inline __attribute__((always_inline))

namespace pair_les {

namespace {

constexpr int GROUP = 8;

// of two vectors, per half: the first two of each, and the last two of each
#define FIRST_TWO _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13)
#define LAST_TWO _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15)

PAIR_LES_INLINE __m512d both(const double *low, const double *high)
{
  return _mm512_insertf64x4(_mm512_castpd256_pd512(_mm256_load_pd(low)), _mm256_load_pd(high), 1);
}

struct FourLanes {
  __m512d a, b, c, d;
};

// Rows k[0 .. 7] of four numbers become eight of each number.
template <class Row> PAIR_LES_INLINE FourLanes load_rows(const Row *rows, __m256i indices)
{
  alignas(32) int k[GROUP];
  _mm256_store_si256(reinterpret_cast<__m256i *>(k), indices);
  const __m512d r0 = both(rows[k[0]].c, rows[k[4]].c), r1 = both(rows[k[1]].c, rows[k[5]].c);
  const __m512d r2 = both(rows[k[2]].c, rows[k[6]].c), r3 = both(rows[k[3]].c, rows[k[7]].c);
  const __m512d ac01 = _mm512_unpacklo_pd(r0, r1), bd01 = _mm512_unpackhi_pd(r0, r1);
  const __m512d ac23 = _mm512_unpacklo_pd(r2, r3), bd23 = _mm512_unpackhi_pd(r2, r3);
  return {
      _mm512_permutex2var_pd(ac01, FIRST_TWO, ac23), _mm512_permutex2var_pd(bd01, FIRST_TWO, bd23),
      _mm512_permutex2var_pd(ac01, LAST_TWO, ac23), _mm512_permutex2var_pd(bd01, LAST_TWO, bd23)};
}

PAIR_LES_INLINE void subtract(SplitSum::Four &from, __m256d row)
{
  _mm256_store_pd(from.c, _mm256_sub_pd(_mm256_load_pd(from.c), row));
}

// The inverse of load_rows, taken away from the rows. Indices differ, except that of the filler.
PAIR_LES_INLINE void subtract_rows(SplitSum::Four *rows, const int *k, const FourLanes &lanes)
{
  const __m512d ab02 = _mm512_unpacklo_pd(lanes.a, lanes.b),
                ab13 = _mm512_unpackhi_pd(lanes.a, lanes.b);
  const __m512d cd02 = _mm512_unpacklo_pd(lanes.c, lanes.d),
                cd13 = _mm512_unpackhi_pd(lanes.c, lanes.d);
  const __m512d r04 = _mm512_permutex2var_pd(ab02, FIRST_TWO, cd02);
  const __m512d r15 = _mm512_permutex2var_pd(ab13, FIRST_TWO, cd13);
  const __m512d r26 = _mm512_permutex2var_pd(ab02, LAST_TWO, cd02);
  const __m512d r37 = _mm512_permutex2var_pd(ab13, LAST_TWO, cd13);
  subtract(rows[k[0]], _mm512_castpd512_pd256(r04));
  subtract(rows[k[1]], _mm512_castpd512_pd256(r15));
  subtract(rows[k[2]], _mm512_castpd512_pd256(r26));
  subtract(rows[k[3]], _mm512_castpd512_pd256(r37));
  subtract(rows[k[4]], _mm512_extractf64x4_pd(r04, 1));
  subtract(rows[k[5]], _mm512_extractf64x4_pd(r15, 1));
  subtract(rows[k[6]], _mm512_extractf64x4_pd(r26, 1));
  subtract(rows[k[7]], _mm512_extractf64x4_pd(r37, 1));
}

// Near partners of one centre, packed.
struct Near {
  double *x, *y, *z; // centre minus partner
  double *charge, *r_squared;
  int *partner;

  explicit Near(const SplitPairs &job) :
      x(job.numbers), y(x + job.room), z(y + job.room), charge(z + job.room),
      r_squared(charge + job.room), partner(job.near)
  {}
};

// Append partners begin .. end - 1 within the cutoff after the first n, fill the last group up; returns their new number.
PAIR_LES_INLINE int pack(const SplitPairs &job, const Near &near, const SplitSum::Four &me,
                         std::size_t begin, std::size_t end, int n)
{
  const __m512d x = _mm512_set1_pd(me.c[0]), y = _mm512_set1_pd(me.c[1]),
                z = _mm512_set1_pd(me.c[2]), cutoff_squared = _mm512_set1_pd(job.cutoff_squared);
  const __m256i filler = _mm256_set1_epi32(job.filler);
  const auto put = [](double *to, __mmask8 which, __m512d lanes) {
    _mm512_storeu_pd(to, _mm512_maskz_compress_pd(which, lanes));
  };
  for (std::size_t k = begin; k < end; k += GROUP) {
    const std::size_t left = end - k;
    const auto valid = static_cast<__mmask8>(left >= GROUP ? 0xff : (1u << left) - 1);
    const __m256i j = _mm256_mask_loadu_epi32(filler, valid, job.partner + k);
    const FourLanes other = load_rows(job.atoms, j);
    const __m512d dx = x - other.a, dy = y - other.b, dz = z - other.c;
    const __m512d r_squared = dx * dx + dy * dy + dz * dz;
    const __mmask8 inside = _mm512_mask_cmp_pd_mask(valid, r_squared, cutoff_squared, _CMP_LT_OQ);
    put(near.x + n, inside, dx);
    put(near.y + n, inside, dy);
    put(near.z + n, inside, dz);
    put(near.charge + n, inside, other.d);
    put(near.r_squared + n, inside, r_squared);
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(near.partner + n),
                        _mm256_maskz_compress_epi32(inside, j));
    n += __builtin_popcount(inside);
  }
  for (double *const numbers : {near.x, near.y, near.z, near.charge, near.r_squared})
    _mm512_storeu_pd(numbers + n, _mm512_setzero_pd());
  _mm256_storeu_si256(reinterpret_cast<__m256i *>(near.partner + n), filler);
  return (n + GROUP - 1) / GROUP * GROUP;
}

struct Sums {
  __m512d x, y, z, potential;
};

// A pair of local atoms acts on both; one with a ghost counts once more, in the list of the ghost's owner.
template <bool local, bool virial>
PAIR_LES_INLINE void sum_near(const SplitPairs &job, const Near &near, double charge, int begin,
                              int end, Sums &mine, __m512d *virials)
{
  const __m512d scale = _mm512_set1_pd(-2.0 * job.inverse_step * charge);
  const __m512d minus_charge = _mm512_set1_pd(-charge);
  const __m512d share = _mm512_set1_pd(local ? 1.0 : 0.5);
  for (int k = begin; k < end; k += GROUP) {
    const __m512d position = _mm512_load_pd(near.r_squared + k) * job.inverse_step;
    const __m256i piece = _mm512_cvttpd_epi32(position);
    const __m512d t = position - _mm512_cvtepi32_pd(piece);
    const FourLanes c = load_rows(job.pieces, piece);
    const __m512d value = c.a + t * (c.b + t * (c.c + t * c.d));
    const __m512d slope = c.b + t * (2.0 * c.c + t * (3.0 * c.d));

    const __m512d q = _mm512_load_pd(near.charge + k);
    const __m512d x = _mm512_load_pd(near.x + k), y = _mm512_load_pd(near.y + k),
                  z = _mm512_load_pd(near.z + k);
    const __m512d pair = scale * q * slope; // |force| / r
    const __m512d px = pair * x, py = pair * y, pz = pair * z;
    mine.x += px;
    mine.y += py;
    mine.z += pz;
    mine.potential += q * value;
    if (virial) {
      const __m512d sx = share * px, sy = share * py;
      virials[0] += sx * x;
      virials[1] += sy * y;
      virials[2] += share * pz * z;
      virials[3] += sx * y;
      virials[4] += sx * z;
      virials[5] += sy * z;
    }
    if (local) subtract_rows(job.results, near.partner + k, {px, py, pz, minus_charge * value});
  }
}

template <bool virial> void sum_pairs(const SplitPairs &job)
{
  const Near near(job);
  __m512d virials[6];
  for (auto &v : virials) v = _mm512_setzero_pd();
  for (int c = 0; c < job.n_centres; ++c) {
    const int i = job.centre[c];
    const SplitSum::Four me = job.atoms[i];
    const int n_local = pack(job, near, me, job.local[c], job.ghost[c], 0);
    const int n = pack(job, near, me, job.ghost[c], job.end[c], n_local);

    const __m512d zero = _mm512_setzero_pd();
    Sums mine{zero, zero, zero, zero};
    sum_near<true, virial>(job, near, me.c[3], 0, n_local, mine, virials);
    sum_near<false, virial>(job, near, me.c[3], n_local, n, mine, virials);
    double *const result = job.results[i].c;
    result[0] += _mm512_reduce_add_pd(mine.x);
    result[1] += _mm512_reduce_add_pd(mine.y);
    result[2] += _mm512_reduce_add_pd(mine.z);
    result[3] += _mm512_reduce_add_pd(mine.potential);
  }
  if (virial)
    for (int v = 0; v < 6; ++v) job.total_virial[v] += _mm512_reduce_add_pd(virials[v]);
}

} // namespace

void sum_pairs_avx512(const SplitPairs &pairs, bool virial)
{
  virial ? sum_pairs<true>(pairs) : sum_pairs<false>(pairs);
}

} // namespace pair_les
