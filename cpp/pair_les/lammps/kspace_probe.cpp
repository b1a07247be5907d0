/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
------------------------------------------------------------------------- */

#include "kspace_probe.h"

#include "atom.h"
#include "comm.h"
#include "domain.h"
#include "force.h"
#include "kspace.h"
#include "neighbor.h"

#include "core/constants.h"
#include "core/sampled_ewald.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numeric>

using namespace LAMMPS_NS;

// an rms over so many atoms is known to a few percent
static constexpr double SAMPLE = 256.0;

// meshes of more points are compared at fewer places
static constexpr double LARGE_MESH = 1048576.0;

// A well mixed 64-bit number of an ID (splitmix64).
static std::uint64_t mixed(std::uint64_t value)
{
  value += 0x9e3779b97f4a7c15ULL;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

KSpaceProbe::KSpaceProbe(LAMMPS *lmp, double n_atoms) :
    Pointers(lmp), everything(n_atoms <= SAMPLE || !atom->tag_enable), summed_gewald(0.0),
    summed_cutoff(-1.0)
{
  const double share = SAMPLE / n_atoms * 18446744073709551616.0; // of 2^64
  for (int i = 0; i < atom->nlocal; i++)
    if (everything || static_cast<double>(mixed(atom->tag[i])) < share) sampled.push_back(i);
  const double mine = static_cast<double>(sampled.size());
  MPI_Allreduce(&mine, &n_all_sampled, 1, MPI_DOUBLE, MPI_SUM, world);
}

double KSpaceProbe::sign_of(tagint tag)
{
  return mixed(mixed(tag)) & 1 ? 1.0 : -1.0;
}

// Ewald-type solvers whose forces and energies of atoms are where LAMMPS's host code looks for
// them.
bool KSpaceProbe::can_measure(const KSpace *kspace, const char *style)
{
  return !kspace->msmflag && !strstr(style, "/kk");
}

std::vector<double> KSpaceProbe::rows_of(const std::vector<int> &atoms) const
{
  std::vector<double> rows;
  rows.reserve(4 * atoms.size());
  for (const int i : atoms)
    rows.insert(rows.end(), {atom->x[i][0], atom->x[i][1], atom->x[i][2], atom->q[i]});
  return rows;
}

void KSpaceProbe::add_over_processes(std::vector<double> &values) const
{
  MPI_Allreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), MPI_DOUBLE, MPI_SUM,
                world);
}

void KSpaceProbe::sum_exactly(double sigma, double cutoff, double precision)
{
  const double g_ewald = force->kspace->g_ewald;
  if (g_ewald == summed_gewald && cutoff == summed_cutoff) return;
  summed_gewald = g_ewald;
  summed_cutoff = cutoff;

  const double *const h = domain->h; // xx yy zz yz xz xy
  const double slab = force->kspace->slabflag == 1 ? force->kspace->slab_volfactor : 1.0;
  const pair_les::SampledEwald sum(
      {{{h[0], 0.0, 0.0}, {h[5], h[1], 0.0}, {h[4], h[3], slab * h[2]}}}, g_ewald, precision);
  std::vector<int> local(atom->nlocal);
  std::iota(local.begin(), local.end(), 0);
  const auto charges = rows_of(local), points = rows_of(sampled);

  // every process adds the share of its charges at the points of all
  const int size = static_cast<int>(points.size());
  std::vector<int> sizes(comm->nprocs), offsets(comm->nprocs, 0);
  MPI_Allgather(&size, 1, MPI_INT, sizes.data(), 1, MPI_INT, world);
  for (int p = 1; p < comm->nprocs; p++) offsets[p] = offsets[p - 1] + sizes[p - 1];
  std::vector<double> all_points(offsets.back() + sizes.back());
  MPI_Allgatherv(points.data(), size, MPI_DOUBLE, all_points.data(), sizes.data(), offsets.data(),
                 MPI_DOUBLE, world);
  std::vector<double> pairs(all_points.size(), 0.0), beyond(all_points.size(), 0.0);
  sum.add_pairs(all_points, charges, pairs);
  add_over_processes(pairs);
  if (cutoff > 0.0) sum.add_beyond_cutoff(all_points, charges, sigma, cutoff, beyond);
  add_over_processes(beyond);

  std::vector<double> factors = sum.structure_factors(charges);
  double mine = 0.0, total;
  for (int i = 0; i < atom->nlocal; i++) mine += atom->q[i];
  MPI_Allreduce(&mine, &total, 1, MPI_DOUBLE, MPI_SUM, world);
  add_over_processes(factors);

  const auto own = pairs.begin() + offsets[comm->me];
  exact.assign(own, own + size);
  sum.add_reciprocal(points, factors, total, exact);
  beyond_cutoff.assign(beyond.begin() + offsets[comm->me],
                       beyond.begin() + offsets[comm->me] + size);
  for (int n = 0; n < size; n++) {
    // forces from fields; what the pair sum leaves out is missing
    const double factor = force->qqrd2e * (n % 4 == 0 ? 1.0 : points[n - n % 4 + 3]);
    exact[n] *= factor;
    beyond_cutoff[n] *= -factor;
  }
  add_slab_correction(exact);
}

// Yeh & Berkowitz 1999; with a net charge Ballenegger, Arnold & Cerda 2009.
void KSpaceProbe::add_slab_correction(std::vector<double> &rows) const
{
  if (force->kspace->slabflag != 1) return;
  double mine[3] = {0.0, 0.0, 0.0}, sum[3];
  for (int i = 0; i < atom->nlocal; i++) {
    const double q = atom->q[i], z = atom->x[i][2];
    mine[0] += q;
    mine[1] += q * z;
    mine[2] += q * z * z;
  }
  MPI_Allreduce(mine, sum, 3, MPI_DOUBLE, MPI_SUM, world);
  const double height = domain->zprd * force->kspace->slab_volfactor;
  const double factor = 4.0 * pair_les::PI * force->qqrd2e / (domain->xprd * domain->yprd * height);
  for (std::size_t n = 0; n < sampled.size(); n++) {
    const double q = atom->q[sampled[n]], z = atom->x[sampled[n]][2];
    rows[4 * n] +=
        factor * (z * sum[1] - 0.5 * (sum[2] + sum[0] * z * z) - sum[0] * height * height / 12.0);
    rows[4 * n + 3] -= factor * q * (sum[1] - sum[0] * z);
  }
}

// A few atoms see little of the mesh. Displaced atoms must stay where pppm looks for atoms that
// have moved since the last neighbor list.
std::vector<std::array<double, 3>> KSpaceProbe::displacements() const
{
  const KSpace *const kspace = force->kspace;
  std::vector<std::array<double, 3>> found{{0.0, 0.0, 0.0}};
  if (!everything || strncmp(force->kspace_style, "pppm", 4) != 0 || neighbor->ago != 0)
    return found;
  const double fractions[3][3] = {{0.5, 0.5, 0.5}, {0.25, -0.5, 0.25}, {-0.25, 0.25, -0.5}};
  const double points = static_cast<double>(kspace->nx_pppm) * kspace->ny_pppm * kspace->nz_pppm;
  const double most = 0.45 * neighbor->skin;
  const double *const h = domain->h;
  for (int n = 0; n < (points > LARGE_MESH ? 1 : 3); n++) {
    const double a = fractions[n][0] / kspace->nx_pppm, b = fractions[n][1] / kspace->ny_pppm,
                 c = kspace->slabflag ? 0.0 : fractions[n][2] / kspace->nz_pppm;
    std::array<double, 3> shift{a * h[0] + b * h[5] + c * h[4], b * h[1] + c * h[3], c * h[2]};
    for (auto &component : shift) component = std::max(-most, std::min(most, component));
    found.push_back(shift);
  }
  return found;
}

std::vector<double> KSpaceProbe::kspace_errors(const std::array<double, 3> &displacement)
{
  KSpace *const kspace = force->kspace;
  const int nlocal = atom->nlocal, nall = nlocal + atom->nghost;
  std::vector<double> forces(3 * nall), positions(3 * nlocal);
  for (int i = 0; i < nall; i++)
    for (int k = 0; k < 3; k++) {
      forces[3 * i + k] = atom->f[i][k];
      atom->f[i][k] = 0.0;
    }
  for (int i = 0; i < nlocal; i++)
    for (int k = 0; k < 3; k++) {
      positions[3 * i + k] = atom->x[i][k];
      atom->x[i][k] += displacement[k];
    }
  const double energy = kspace->energy;
  double virial[6];
  std::copy_n(kspace->virial, 6, virial);

  kspace->qsum_qsq(0);
  kspace->compute(ENERGY_ATOM, VIRIAL_NONE);

  std::vector<double> errors;
  errors.reserve(4 * sampled.size());
  for (const int i : sampled) {
    errors.push_back(2.0 * kspace->eatom[i] / atom->q[i]);
    errors.insert(errors.end(), atom->f[i], atom->f[i] + 3);
  }
  for (std::size_t n = 0; n < errors.size(); n++) errors[n] -= exact[n];

  // triclinic: coordinates are converted forth and back, which would move atoms by a rounding
  for (int i = 0; i < nall; i++)
    for (int k = 0; k < 3; k++) atom->f[i][k] = forces[3 * i + k];
  for (int i = 0; i < nlocal; i++)
    for (int k = 0; k < 3; k++) atom->x[i][k] = positions[3 * i + k];
  kspace->energy = energy;
  std::copy_n(virial, 6, kspace->virial);
  return errors;
}
