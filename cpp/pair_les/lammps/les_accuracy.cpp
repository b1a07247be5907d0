// SPDX-License-Identifier: GPL-2.0-only

#include "les_accuracy.h"

#include "atom.h"
#include "comm.h"
#include "domain.h"
#include "error.h"
#include "force.h"
#include "kspace.h"
#include "memory.h"

#include "core/constants.h"
#include "core/mesh_error.h"
#include "kspace_access.h"
#include "kspace_cell.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace LAMMPS_NS;

// of the terms that the exact sum leaves out, relative to the accuracy asked for; and what rounding
// leaves
static constexpr double PRECISION = 1.0e-3, ROUNDING = 1.0e-15;

// angstrom: an error of forces, times this, is one of the energy per atom
static constexpr double ENERGY_LENGTH = 1.0;

LESAccuracy::LESAccuracy(LAMMPS *lmp, const LESUnits &units, const LESSolverSettings &settings,
                         LESNetwork &network, const LESCharges &charges, const LESGewald &gewald,
                         const LESMesh &mesh, ReverseSum add_from_ghosts) :
    Pointers(lmp), units(units), settings(settings), network(network), charges(charges),
    gewald(gewald), solver_mesh(mesh), add_from_ghosts(std::move(add_from_ghosts))
{}

bool LESAccuracy::can_measure()
{
  measured = false;
  return charges.on_host() && KSpaceAccess::charge_square(force->kspace) > 0.0 &&
         KSpaceProbe::can_measure(force->kspace, force->kspace_style);
}

double LESAccuracy::ratio(const Error &error) const
{
  return std::max(error.force, error.energy / ENERGY_LENGTH) / force->kspace->accuracy;
}

// Rms over the atoms compared and, where there are few, over places in a mesh cell: but never less
// than where the atoms are now.
void LESAccuracy::measure(KSpaceProbe &probe)
{
  const KSpace *const kspace = force->kspace;
  const double sigma = network.long_range()->sigma;
  const bool cut = settings.split && !gewald.is_matched();
  probe.sum_exactly(sigma, cut ? settings.cutoff : 0.0,
                    std::max(PRECISION * kspace->accuracy / kspace->two_charge_force, ROUNDING));

  const auto beyond = probe.cutoff_errors();
  const auto beyond_forces = forces_of(probe, beyond);
  const auto places = probe.displacements();
  std::vector<double>
      sums; // by place: squares of mesh, cutoff and both; energies of mesh and cutoff
  for (const auto &displacement : places) {
    const auto of_mesh = probe.kspace_errors(displacement);
    const auto forces = forces_of(probe, of_mesh);
    double sum[5] = {0.0, 0.0, 0.0, 0.0, 0.0};
    for (std::size_t k = 0; k < forces.size(); k++) {
      sum[0] += forces[k] * forces[k];
      sum[1] += beyond_forces[k] * beyond_forces[k];
      sum[2] += std::pow(forces[k] + beyond_forces[k], 2);
    }
    for (std::size_t n = 0; n < probe.atoms().size(); n++) {
      sum[3] += 0.5 * atom->q[probe.atoms()[n]] * of_mesh[4 * n];
      sum[4] += 0.5 * atom->q[probe.atoms()[n]] * beyond[4 * n];
    }
    sums.insert(sums.end(), sum, sum + 5);
  }
  MPI_Allreduce(MPI_IN_PLACE, sums.data(), static_cast<int>(sums.size()), MPI_DOUBLE, MPI_SUM,
                world);

  const double n_places = static_cast<double>(places.size()), n = probe.n_sampled();
  const auto rms = [&](const std::function<double(const double *)> &square) {
    double sum = 0.0;
    for (std::size_t place = 0; place < places.size(); place++) sum += square(&sums[5 * place]);
    return std::sqrt(std::max(square(sums.data()), sum / n_places));
  };
  mesh.force = rms([n](const double *sum) { return sum[0] / n; });
  cutoff.force = rms([n](const double *sum) { return sum[1] / n; });
  all.force = rms([n](const double *sum) { return sum[2] / n; });
  mesh.energy = rms([n](const double *sum) { return std::pow(sum[3] / n, 2); });
  cutoff.energy = rms([n](const double *sum) { return std::pow(sum[4] / n, 2); });
  all.energy = rms([n](const double *sum) { return std::pow((sum[3] + sum[4]) / n, 2); });
  n_atoms = n;
  measured = true;
}

// [n, 3] at the atoms compared: errors of forces at fixed charges, and those of the potential times
// the response of the charges.
std::vector<double> LESAccuracy::forces_of(const KSpaceProbe &probe,
                                           const std::vector<double> &errors)
{
  const auto &sampled = probe.atoms();
  std::vector<double> forces(3 * sampled.size());
  for (std::size_t n = 0; n < sampled.size(); n++)
    std::copy_n(&errors[4 * n + 1], 3, &forces[3 * n]);
  if (network.equilibrates()) return forces; // the energy is stationary in the charges

  const auto potential = potential_of(probe, errors);
  double **response;
  memory->create(response, std::max(1, atom->nlocal + atom->nghost), 3, "pair:response");
  std::fill_n(response[0], 3 * (atom->nlocal + atom->nghost), 0.0);
  network.add_gradient(network.charge_gradient(potential.data()), response);
  add_from_ghosts(response);
  for (std::size_t n = 0; n < sampled.size(); n++)
    for (int k = 0; k < 3; k++) forces[3 * n + k] += response[sampled[n]][k];
  memory->destroy(response);
  return forces;
}

// [nlocal] errors of the potential in V. Where only some atoms are compared, the rest have errors
// of the size found for their element, with a sign by ID: the same on any number of processes.
std::vector<double> LESAccuracy::potential_of(const KSpaceProbe &probe,
                                              const std::vector<double> &errors) const
{
  const auto &sampled = probe.atoms();
  const int n_species = static_cast<int>(network.metadata().species.size()) + 1; // and without one
  std::vector<double> squares(2 * n_species, 0.0);
  for (std::size_t n = 0; n < sampled.size(); n++) {
    const int species = network.species_of(sampled[n]) + 1;
    squares[species] += errors[4 * n] * errors[4 * n];
    squares[n_species + species] += 1.0;
  }
  MPI_Allreduce(MPI_IN_PLACE, squares.data(), 2 * n_species, MPI_DOUBLE, MPI_SUM, world);

  std::vector<double> potential(atom->nlocal, 0.0);
  if (!probe.samples_all())
    for (int i = 0; i < atom->nlocal; i++) {
      const int species = network.species_of(i) + 1;
      if (squares[n_species + species] == 0.0) continue;
      const double size = std::sqrt(squares[species] / squares[n_species + species]);
      potential[i] = KSpaceProbe::sign_of(atom->tag[i]) * size * units.volt();
    }
  for (std::size_t n = 0; n < sampled.size(); n++)
    potential[sampled[n]] = errors[4 * n] * units.volt();
  charges.project_back(potential);
  return potential;
}

std::string LESAccuracy::describe_solver() const
{
  const KSpace *const kspace = force->kspace;
  if (strncmp(force->kspace_style, "pppm", 4) != 0 ||
      strcmp(force->kspace_style, "pppm/stagger") == 0)
    return force->kspace_style;
  return fmt::format("mesh {} {} {} ({:.3g} points per atom), order {} diff {}{}", kspace->nx_pppm,
                     kspace->ny_pppm, kspace->nz_pppm,
                     static_cast<double>(kspace->nx_pppm) * kspace->ny_pppm * kspace->nz_pppm /
                         static_cast<double>(atom->natoms),
                     kspace->order, kspace->differentiation_flag == 1 ? "ad" : "ik",
                     solver_mesh.chosen()
                         ? " (chosen by pair_style les; 'mesh stock' keeps those of LAMMPS)"
                         : "");
}

void LESAccuracy::report() const
{
  const KSpace *const kspace = force->kspace;
  const std::string solver = describe_solver();
  if (!measured && solver == force->kspace_style) return; // it prints an estimate of its own
  const double force_error = measured ? all.force : error_of_random_charges();
  if (comm->me != 0) return;

  const double n = static_cast<double>(atom->natoms);
  const char *const unit = units.energy == 1.0 ? "eV" : "kcal/mol";
  const std::string basis = measured
                                ? fmt::format(", energy error {:.3g} {} per atom, measured against "
                                              "an exact sum at {} of {} atoms",
                                              all.energy, unit, n_atoms, n)
                                : ", for charges at random positions: not measured";
  utils::logmesg(
      lmp,
      "pair_style les: {}, g_ewald {:.6g}: estimated rms force error {:.3g} {}/A ({:.2g} "
      "relative){}\n",
      solver, kspace->g_ewald, force_error, unit, force_error / kspace->two_charge_force, basis);
  if (measured && ratio() > TOLERATED) warn(unit);
}

void LESAccuracy::warn(const char *unit) const
{
  const KSpace *const kspace = force->kspace;
  std::string cure = "type a smaller accuracy";
  if (gewald.by_user())
    cure = "remove kspace_modify gewald";
  else if (solver_mesh.chosen())
    cure = "type 'pair_style les coul 10.0', or use a smaller box or kspace_style ewald";
  else if (strncmp(force->kspace_style, "pppm", 4) == 0)
    cure = "type a smaller accuracy, or leave order, diff and mesh to pair_style les";
  error->warning(
      FLERR,
      "kspace_style {} does not reach the accuracy asked for: forces {:.3g} {}/A, found {:.3g}; "
      "energy {:.3g} {} per atom, found {:.3g}; {}",
      force->kspace_style, kspace->accuracy, unit, all.force, kspace->accuracy * ENERGY_LENGTH,
      unit, all.energy, cure);
}

// Rms error of the forces by the formulas for charges at random positions, of mesh and cutoff.
double LESAccuracy::error_of_random_charges() const
{
  const KSpace *const kspace = force->kspace;
  const double *const h = domain->h_inv;
  const double slab = kspace_slab_factor(lmp);
  const double pi2 = 2.0 * pair_les::PI;
  const pair_les::ParticleMesh mesh{{{pi2 * h[0], pi2 * h[5], pi2 * h[4]},
                                     {0.0, pi2 * h[1], pi2 * h[3]},
                                     {0.0, 0.0, pi2 * h[2] / slab}},
                                    kspace_volume(lmp),
                                    {kspace->nx_pppm, kspace->ny_pppm, kspace->nz_pppm},
                                    kspace->order,
                                    kspace->differentiation_flag == 1,
                                    kspace->g_ewald};
  const double mine = pair_les::mesh_error_integral(mesh, comm->me, comm->nprocs);
  double integral;
  MPI_Allreduce(&mine, &integral, 1, MPI_DOUBLE, MPI_SUM, world);

  const double square = force->qqrd2e * KSpaceAccess::charge_square(force->kspace);
  const double n = static_cast<double>(atom->natoms),
               volume = occupied_volume(lmp, network.long_range()->sigma);
  const double of_mesh = pair_les::mesh_force_error(integral, square, n, volume);
  if (!settings.split || gewald.is_matched()) return of_mesh;
  return std::hypot(
      of_mesh, pair_les::cutoff_force_error(kspace->g_ewald, settings.cutoff, square, n, volume));
}
