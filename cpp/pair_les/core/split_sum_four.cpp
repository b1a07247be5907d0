// SPDX-License-Identifier: MIT
// Pairs are done in groups of four: a particle or a table entry is one load of four numbers, and four of them are transposed
// into four of each number. Written with vector extensions, which every processor can run; on x86 the function that is called
// exists for AVX2 as well and the loader chooses (baseline code takes twice the time).

#include "split_sum_kernels.h"

#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__)
#define PAIR_LES_FOR_EVERY_PROCESSOR __attribute__((target_clones("avx2", "default")))
#else
#define PAIR_LES_FOR_EVERY_PROCESSOR
#endif
#define PAIR_LES_INLINE inline __attribute__((always_inline))

namespace pair_les {

namespace {

constexpr int GROUP = 4;

typedef double Lanes __attribute__((vector_size(32)));
typedef int Indices __attribute__((vector_size(16)));

using Four = SplitSum::Four;

PAIR_LES_INLINE void load(Lanes &lanes, const double *from)
{
  __builtin_memcpy(&lanes, from, sizeof(lanes));
}

PAIR_LES_INLINE void store(double *to, const Lanes &lanes)
{
  __builtin_memcpy(to, &lanes, sizeof(lanes));
}

PAIR_LES_INLINE void subtract(Four &from, const Lanes &lanes)
{
  Lanes value;
  load(value, from.c);
  store(from.c, value - lanes);
}

// rows of a 4 x 4 matrix become its columns
PAIR_LES_INLINE void transpose(Lanes &a, Lanes &b, Lanes &c, Lanes &d)
{
#if defined(__clang__)
  const Lanes ab0 = __builtin_shufflevector(a, b, 0, 4, 2, 6);
  const Lanes ab1 = __builtin_shufflevector(a, b, 1, 5, 3, 7);
  const Lanes cd0 = __builtin_shufflevector(c, d, 0, 4, 2, 6);
  const Lanes cd1 = __builtin_shufflevector(c, d, 1, 5, 3, 7);
  a = __builtin_shufflevector(ab0, cd0, 0, 1, 4, 5);
  b = __builtin_shufflevector(ab1, cd1, 0, 1, 4, 5);
  c = __builtin_shufflevector(ab0, cd0, 2, 3, 6, 7);
  d = __builtin_shufflevector(ab1, cd1, 2, 3, 6, 7);
#else
  typedef long long Selection __attribute__((vector_size(32)));
  const Lanes ab0 = __builtin_shuffle(a, b, Selection{0, 4, 2, 6});
  const Lanes ab1 = __builtin_shuffle(a, b, Selection{1, 5, 3, 7});
  const Lanes cd0 = __builtin_shuffle(c, d, Selection{0, 4, 2, 6});
  const Lanes cd1 = __builtin_shuffle(c, d, Selection{1, 5, 3, 7});
  a = __builtin_shuffle(ab0, cd0, Selection{0, 1, 4, 5});
  b = __builtin_shuffle(ab1, cd1, Selection{0, 1, 4, 5});
  c = __builtin_shuffle(ab0, cd0, Selection{2, 3, 6, 7});
  d = __builtin_shuffle(ab1, cd1, Selection{2, 3, 6, 7});
#endif
}

PAIR_LES_INLINE double total(const Lanes &lanes)
{
  return lanes[0] + lanes[1] + lanes[2] + lanes[3];
}

// Partners of one centre that are within the cutoff, without a branch: a wrong guess costs more than the arithmetic.
PAIR_LES_INLINE int gather(const SplitPairs &job, const Four &me, std::size_t begin,
                           std::size_t end, int n)
{
  for (std::size_t k = begin; k < end; ++k) {
    const int j = job.partner[k];
    const double *const other = job.atoms[j].c;
    const double dx = me.c[0] - other[0], dy = me.c[1] - other[1], dz = me.c[2] - other[2];
    const double r_squared = dx * dx + dy * dy + dz * dz;
    job.numbers[n] = r_squared;
    job.near[n] = j;
    n += r_squared < job.cutoff_squared;
  }
  for (; n % GROUP != 0; ++n) {
    job.numbers[n] = 0.0;
    job.near[n] = job.filler;
  }
  return n;
}

template <PairSum::Virial wanted> PAIR_LES_INLINE void sum_pairs(const SplitPairs &job)
{
  const double inverse_step = job.inverse_step;
  const SplitTable::Piece *const pieces = job.pieces;
  Lanes sums[6] = {};

  for (int c = 0; c < job.n_centres; ++c) {
    const int i = job.centre[c];
    const Four me = job.atoms[i];
    const int n_local = gather(job, me, job.local[c], job.ghost[c], 0);
    const int n = gather(job, me, job.ghost[c], job.end[c], n_local);

    const double qi = me.c[3], scale = -2.0 * inverse_step * qi;
    Lanes phi = {}, fx = {}, fy = {}, fz = {};
    for (int k = 0; k < n; k += GROUP) {
      const int *const j = job.near + k;
      Lanes x, y, z, q;
      load(x, job.atoms[j[0]].c);
      load(y, job.atoms[j[1]].c);
      load(z, job.atoms[j[2]].c);
      load(q, job.atoms[j[3]].c);
      transpose(x, y, z, q);
      const Lanes dx = me.c[0] - x, dy = me.c[1] - y, dz = me.c[2] - z;

      Lanes position;
      load(position, job.numbers + k);
      position *= inverse_step;
      const Indices piece = __builtin_convertvector(position, Indices);
      const Lanes t = position - __builtin_convertvector(piece, Lanes);
      Lanes c0, c1, c2, c3;
      load(c0, pieces[piece[0]].c);
      load(c1, pieces[piece[1]].c);
      load(c2, pieces[piece[2]].c);
      load(c3, pieces[piece[3]].c);
      transpose(c0, c1, c2, c3);

      const Lanes value = c0 + t * (c1 + t * (c2 + t * c3));
      const Lanes slope = c1 + t * (2.0 * c2 + t * (3.0 * c3));
      const Lanes pair = scale * q * slope; // |force| / r
      Lanes px = pair * dx, py = pair * dy, pz = pair * dz, back = -qi * value;
      phi += q * value;
      fx += px;
      fy += py;
      fz += pz;

      if (wanted != PairSum::Virial::none) {
        // a pair with a ghost counts once more, in the list of the ghost's owner
        const double share = (wanted == PairSum::Virial::total && k < n_local) ? 1.0 : 0.5;
        const Lanes w[6] = {share * px * dx, share * py * dy, share * pz * dz,
                            share * px * dy, share * px * dz, share * py * dz};
        for (int v = 0; v < 6; ++v)
          if (wanted == PairSum::Virial::total)
            sums[v] += w[v];
          else {
            job.virial[6 * i + v] += total(w[v]);
            for (int lane = 0; lane < GROUP; ++lane)
              if (k < n_local && j[lane] != job.filler) job.virial[6 * j[lane] + v] += w[v][lane];
          }
      }
      if (k < n_local) {
        transpose(px, py, pz, back);
        subtract(job.results[j[0]], px);
        subtract(job.results[j[1]], py);
        subtract(job.results[j[2]], pz);
        subtract(job.results[j[3]], back);
      }
    }
    double *const mine = job.results[i].c;
    mine[0] += total(fx);
    mine[1] += total(fy);
    mine[2] += total(fz);
    mine[3] += total(phi);
  }
  for (int v = 0; v < 6; ++v) job.total_virial[v] += total(sums[v]);
}

PAIR_LES_FOR_EVERY_PROCESSOR void sum_without_virial(const SplitPairs &job)
{
  sum_pairs<PairSum::Virial::none>(job);
}

PAIR_LES_FOR_EVERY_PROCESSOR void sum_with_total_virial(const SplitPairs &job)
{
  sum_pairs<PairSum::Virial::total>(job);
}

PAIR_LES_FOR_EVERY_PROCESSOR void sum_with_virials_of_atoms(const SplitPairs &job)
{
  sum_pairs<PairSum::Virial::per_atom>(job);
}

} // namespace

void sum_pairs_by_four(const SplitPairs &pairs, PairSum::Virial wanted)
{
  if (wanted == PairSum::Virial::none) sum_without_virial(pairs);
  if (wanted == PairSum::Virial::total) sum_with_total_virial(pairs);
  if (wanted == PairSum::Virial::per_atom) sum_with_virials_of_atoms(pairs);
}

} // namespace pair_les
