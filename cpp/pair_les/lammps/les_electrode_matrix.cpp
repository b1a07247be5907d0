// SPDX-License-Identifier: GPL-2.0-only

#include "les_electrode_matrix.h"

#include "atom.h"
#include "comm.h"
#include "domain.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

using namespace LAMMPS_NS;

// electrode atoms above which the matrix, which every process has, takes too much memory and time
static constexpr std::size_t MOST_ATOMS = 3000;

// angstrom: rounding of coordinates that wrap around the box
static constexpr double SAME_PLACE = 1.0e-9;

void LESElectrodeMatrix::list(const std::vector<int> &atoms)
{
  double mine[2] = {find_rows(atoms) ? 0.0 : 1.0, static_cast<double>(atoms.size())}, all[2];
  MPI_Allreduce(mine, all, 2, MPI_DOUBLE, MPI_SUM, world);
  const bool same = all[0] == 0.0 && all[1] == static_cast<double>(tags.size());
  if (same && box == box_shape(domain)) return;
  forget();
  remember(atoms);
}

void LESElectrodeMatrix::forget()
{
  matrix.forget();
  iterations = 0;
}

// Whether every listed atom is where it has been.
bool LESElectrodeMatrix::find_rows(const std::vector<int> &atoms)
{
  rows.clear();
  for (const int i : atoms) {
    const auto found = std::lower_bound(tags.begin(), tags.end(), atom->tag[i]);
    if (found == tags.end() || *found != atom->tag[i]) return false;
    const auto row = static_cast<std::size_t>(std::distance(tags.begin(), found));
    double unwrapped[3];
    domain->unmap(atom->x[i], atom->image[i], unwrapped);
    for (int k = 0; k < 3; k++)
      if (!(std::fabs(unwrapped[k] - positions[3 * row + k]) < SAME_PLACE)) return false;
    rows.push_back(static_cast<int>(row));
  }
  return true;
}

void LESElectrodeMatrix::remember(const std::vector<int> &atoms)
{
  box = box_shape(domain);
  std::vector<tagint> mine;
  for (const int i : atoms) mine.push_back(atom->tag[i]);
  const int size = static_cast<int>(mine.size());
  std::vector<int> sizes(comm->nprocs), offsets(comm->nprocs, 0);
  MPI_Allgather(&size, 1, MPI_INT, sizes.data(), 1, MPI_INT, world);
  for (int p = 1; p < comm->nprocs; p++) offsets[p] = offsets[p - 1] + sizes[p - 1];
  tags.resize(offsets.back() + sizes.back());
  MPI_Allgatherv(mine.data(), size, MPI_LMP_TAGINT, tags.data(), sizes.data(), offsets.data(),
                 MPI_LMP_TAGINT, world);
  std::sort(tags.begin(), tags.end());

  positions.assign(3 * tags.size(), 0.0);
  rows.clear();
  for (const int i : atoms) {
    const auto found = std::lower_bound(tags.begin(), tags.end(), atom->tag[i]);
    rows.push_back(static_cast<int>(std::distance(tags.begin(), found)));
    domain->unmap(atom->x[i], atom->image[i],
                  &positions[3 * static_cast<std::size_t>(rows.back())]);
  }
  MPI_Allreduce(MPI_IN_PLACE, positions.data(), static_cast<int>(positions.size()), MPI_DOUBLE,
                MPI_SUM, world);
}

// A matrix that is made when it would have paid off costs at most twice what is best.
bool LESElectrodeMatrix::is_due(int more_iterations)
{
  iterations += more_iterations;
  return usable && !matrix.ready() && atom->tag_enable && !tags.empty() &&
         tags.size() <= MOST_ATOMS && iterations >= static_cast<bigint>(tags.size());
}

// Values of the listed atoms, of all processes.
LESElectrodeMatrix::Vector LESElectrodeMatrix::gather(const Vector &values) const
{
  Vector all(tags.size(), 0.0);
  for (std::size_t n = 0; n < rows.size(); n++) all[rows[n]] = values[n];
  MPI_Allreduce(MPI_IN_PLACE, all.data(), static_cast<int>(all.size()), MPI_DOUBLE, MPI_SUM, world);
  return all;
}

bool LESElectrodeMatrix::build(const Product &product, const std::vector<int> &constraint,
                               int n_constraints)
{
  const std::size_t n = tags.size();
  Vector values(n * n), charge(rows.size()), potential(rows.size());
  for (std::size_t row = 0; row < n; row++) {
    for (std::size_t m = 0; m < rows.size(); m++)
      charge[m] = rows[m] == static_cast<int>(row) ? 1.0 : 0.0;
    product(charge, potential);
    const Vector all = gather(potential);
    std::copy(all.begin(), all.end(), values.begin() + static_cast<std::ptrdiff_t>(row * n));
  }
  for (std::size_t a = 0; a < n; a++) // a mesh is symmetric to rounding
    for (std::size_t b = 0; b < a; b++)
      values[a * n + b] = 0.5 * (values[a * n + b] + values[b * n + a]);

  const Vector all = gather(Vector(constraint.begin(), constraint.end()));
  const bool found =
      matrix.build(std::move(values), std::vector<int>(all.begin(), all.end()), n_constraints);
  if (!found) usable = false;
  return found;
}

LESElectrodeMatrix::Vector LESElectrodeMatrix::solve(Vector &residual) const
{
  Vector all = gather(residual);
  Vector multipliers = matrix.solve(all);
  for (std::size_t n = 0; n < rows.size(); n++) residual[n] = all[rows[n]];
  return multipliers;
}

double LESElectrodeMatrix::capacitance(const std::vector<int> &electrode, int k) const
{
  if (!ready()) return std::numeric_limits<double>::quiet_NaN();
  Vector change;
  for (const int other : electrode) change.push_back(other == k ? 1.0 : 0.0);
  solve(change);
  double sum = 0.0;
  for (std::size_t n = 0; n < change.size(); n++)
    if (electrode[n] == k) sum += change[n];
  MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_DOUBLE, MPI_SUM, world);
  return sum;
}
