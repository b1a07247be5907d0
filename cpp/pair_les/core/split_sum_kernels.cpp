// SPDX-License-Identifier: MIT
// Compiled once per instruction set (CMakeLists.txt). Per center, the partners within the cutoff are packed first, without a
// branch for each, then summed from contiguous memory, as many at a time as there are lanes.

#include "split_sum_kernels.h"

#include "core/simd/rows.h"

#define PAIR_LES_FUNCTION PAIR_LES_INLINE
#include "split_formulas.h"

namespace pair_les::PAIR_LES_INSTRUCTION_SET {

namespace {

using Virial = PairSum::Virial;

// Partners of one center within the cutoff, packed.
struct Near {
  double *x, *y, *z; // center minus partner
  double *charge, *r_squared;
  int *partner;

  explicit Near(const SplitPairs &job) :
      x(job.numbers), y(x + job.room), z(y + job.room), charge(z + job.room),
      r_squared(charge + job.room), partner(job.near)
  {}
};

// Appends partners begin .. end - 1 within the cutoff after the first n and fills the last group up; returns their new number.
PAIR_LES_INLINE int pack(const SplitPairs &job, const Near &near, const SplitSum::Four &me,
                         std::size_t begin, std::size_t end, int n)
{
  const Doubles x = broadcast(me.c[0]), y = broadcast(me.c[1]), z = broadcast(me.c[2]),
                cutoff_squared = broadcast(job.cutoff_squared);
  int last[WIDTH];
  for (std::size_t k = begin; k < end; k += WIDTH) {
    const int *j = job.partner + k;
    if (end - k < WIDTH) {
      for (std::size_t lane = 0; lane < WIDTH; ++lane)
        last[lane] = lane < end - k ? j[lane] : job.filler;
      j = last;
    }
    const Columns other = load_rows(job.atoms, j);
    const Doubles dx = x - other.a, dy = y - other.b, dz = z - other.c;
    const Doubles r_squared = dx * dx + dy * dy + dz * dz;
    const LanesBelow inside(r_squared, cutoff_squared, end - k);
    inside.put(near.x + n, dx);
    inside.put(near.y + n, dy);
    inside.put(near.z + n, dz);
    inside.put(near.charge + n, other.d);
    inside.put(near.r_squared + n, r_squared);
    inside.put(near.partner + n, load_indices(j));
    n += inside.count();
  }
  for (double *const numbers : {near.x, near.y, near.z, near.charge, near.r_squared})
    store(numbers + n, Doubles{});
  for (int lane = 0; lane < WIDTH; ++lane) near.partner[n + lane] = job.filler;
  return (n + WIDTH - 1) / WIDTH * WIDTH;
}

struct Sums {
  Doubles x = {}, y = {}, z = {}, potential = {};
};

// A pair of local atoms acts on both; one with a ghost counts once more, in the list of the ghost's owner.
template <bool LOCAL, Virial WANTED>
PAIR_LES_INLINE void sum_near(const SplitPairs &job, const Near &near, int i, int begin, int end,
                              Sums &mine, Doubles *virials)
{
  const double charge = job.atoms[i].c[3];
  const Doubles scale = broadcast(force_scale(charge, job.inverse_step));
  const Doubles minus_charge = broadcast(-charge);
  for (int k = begin; k < end; k += WIDTH) {
    const Doubles position = load(near.r_squared + k) * job.inverse_step;
    const Indices pieces = __builtin_convertvector(position, Indices);
    int piece[WIDTH];
    store_indices(piece, pieces);
    const Columns c = load_rows(job.pieces, piece);
    Doubles value, slope;
    table_value<Doubles>(position - to_doubles(pieces), c.a, c.b, c.c, c.d, value, slope);

    const Doubles q = load(near.charge + k);
    const Doubles x = load(near.x + k), y = load(near.y + k), z = load(near.z + k);
    const Doubles pair = scale * q * slope; // |force| / r
    const Doubles fx = pair * x, fy = pair * y, fz = pair * z;
    mine.x += fx;
    mine.y += fy;
    mine.z += fz;
    mine.potential += q * value;
    if (WANTED == Virial::total) add_virial(LOCAL ? 1.0 : 0.5, fx, fy, fz, x, y, z, virials);
    if (WANTED == Virial::per_atom) {
      Doubles halves[6] = {};
      add_virial(0.5, fx, fy, fz, x, y, z, halves);
      for (int v = 0; v < 6; ++v) {
        job.virial[6 * i + v] += sum_of_lanes<double, WIDTH>(halves[v]);
        for (int lane = 0; LOCAL && lane < WIDTH; ++lane)
          if (const int j = near.partner[k + lane]; j != job.filler)
            job.virial[6 * j + v] += halves[v][lane];
      }
    }
    if (LOCAL) subtract_rows(job.results, near.partner + k, {fx, fy, fz, minus_charge * value});
  }
}

template <Virial WANTED> void sum_pairs(const SplitPairs &job)
{
  const Near near(job);
  Doubles virials[6] = {};
  for (int c = 0; c < job.n_centers; ++c) {
    const int i = job.center[c];
    const SplitSum::Four me = job.atoms[i];
    const int n_local = pack(job, near, me, job.local[c], job.ghost[c], 0);
    const int n = pack(job, near, me, job.ghost[c], job.end[c], n_local);

    Sums mine;
    sum_near<true, WANTED>(job, near, i, 0, n_local, mine, virials);
    sum_near<false, WANTED>(job, near, i, n_local, n, mine, virials);
    double *const result = job.results[i].c;
    result[0] += sum_of_lanes<double, WIDTH>(mine.x);
    result[1] += sum_of_lanes<double, WIDTH>(mine.y);
    result[2] += sum_of_lanes<double, WIDTH>(mine.z);
    result[3] += sum_of_lanes<double, WIDTH>(mine.potential);
  }
  if (WANTED == Virial::total)
    for (int v = 0; v < 6; ++v) job.total_virial[v] += sum_of_lanes<double, WIDTH>(virials[v]);
}

} // namespace

void sum_pairs(const SplitPairs &pairs, PairSum::Virial wanted)
{
  if (wanted == Virial::none) sum_pairs<Virial::none>(pairs);
  if (wanted == Virial::total) sum_pairs<Virial::total>(pairs);
  if (wanted == Virial::per_atom) sum_pairs<Virial::per_atom>(pairs);
}

} // namespace pair_les::PAIR_LES_INSTRUCTION_SET
