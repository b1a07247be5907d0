// SPDX-License-Identifier: GPL-2.0-only

#include "les_electrodes.h"

#include "atom.h"
#include "comm.h"
#include "error.h"
#include "force.h"
#include "kspace.h"
#include "platform.h"
#include "update.h"

#include "charge_energy_sums.h"
#include "core/long_range.h"
#include "les_failure.h"

#include <algorithm>
#include <cmath>

using namespace LAMMPS_NS;

// e, by which given charges may miss a neutral cell
static constexpr double NEUTRAL = 1.0e-6;

// solutions by the matrix of one mesh before it is given up
static constexpr int MOST_REFINEMENTS = 5;

LESElectrodes::LESElectrodes(LAMMPS *lmp, const LESUnits &units, const LESNetwork &network,
                             LESElectrodeGroups &groups, LESCharges &charges, const LESField &field,
                             LESLongRange &long_range, const LESChargeTolerance &tolerance,
                             const std::string &history_id) :
    Pointers(lmp), history(lmp, history_id), units(units), network(network), groups(groups),
    charges(charges), field(field), long_range(long_range), tolerance(tolerance), matrix(lmp)
{}

void LESElectrodes::init()
{
  if (!on()) return;
  if (!network.long_range())
    error->all(FLERR,
               "pair_style les electrode needs a model with charges, but model file '{}' has none; "
               "type 'pair_style les'",
               network.file());
  if (network.equilibrates())
    error->all(FLERR,
               "pair_style les electrode needs charges that the network gives, but model file '{}' "
               "has charge equilibration; use a model with latent charges",
               network.file());
  if (force->kspace && force->kspace->msmflag)
    error->all(FLERR,
               "kspace_style {} has not been tested with electrodes of pair_style les; type "
               "'kspace_style pppm 1.0e-5'",
               force->kspace_style);
  if (force->kspace && force->kspace->slabflag && !groups.is_neutral())
    error->all(FLERR, "pair_style les neutral no: the energy of a charged slab has no minimum in "
                      "its charge; type 'neutral yes' or 'boundary p p p'");
  refuse_atoms_without_charge();
  history.forget(); // whatever has happened since the last run
  matrix.start_run();
  verified = false;
  totals.assign(groups.size(), 0.0);
  multipliers.assign(groups.n_constraints(), 0.0);
}

// Types that the model does not see are for electrodes.
void LESElectrodes::refuse_atoms_without_charge() const
{
  int mine = 0, type;
  for (int i = 0; i < atom->nlocal; i++)
    if (network.species()[atom->type[i]] < 0 && !contains(i)) mine = atom->type[i];
  MPI_Allreduce(&mine, &type, 1, MPI_INT, MPI_MAX, world);
  if (type > 0)
    error->all(
        FLERR,
        "type {} is NULL by pair_coeff of pair_style les, and some of its atoms belong to no "
        "electrode, so that they have no charge; type 'electrode' for their group too, or "
        "name an element for type {}",
        type, type);
}

// Given charges are all the charges of the electrodes: nothing makes the cell neutral.
void LESElectrodes::refuse_charges(double learned) const
{
  const double sum = groups.given_charge() / field.physical_charge();
  if (!groups.is_neutral() || groups.neutralizes() || std::fabs(sum + learned) < NEUTRAL) return;
  error->all(FLERR,
             "pair_style les electrode: given charges add up to {:.6g} e and all others to {:.6g} "
             "e, which is no neutral cell; change a charge, give one electrode a potential, or "
             "type 'neutral no' in a box that is periodic in three directions",
             sum, learned);
}

void LESElectrodes::list_atoms()
{
  atoms.clear();
  electrode.clear();
  for (int i = 0; i < atom->nlocal; i++) {
    const int k = groups.of_atom(i);
    if (k < 0) continue;
    atoms.push_back(i);
    electrode.push_back(k);
  }
  matrix.list(atoms);
}

std::vector<int> LESElectrodes::constraints() const
{
  std::vector<int> found;
  for (const int k : electrode) found.push_back(groups.constraint_of(k));
  return found;
}

// V, per latent charge.
double LESElectrodes::given_potential(int k) const
{
  return groups[k].given_charge ? 0.0 : groups[k].value * field.physical_charge();
}

// eV/e^2, of the listed atom n, with the Gaussian's interaction with itself.
double LESElectrodes::hardness(int n) const
{
  return groups[electrode[n]].hardness + pair_les::lowest_hardness(*network.long_range());
}

// eV/e^2, of a charge alone: what a residual is divided by to tell the error of a charge.
double LESElectrodes::hardness_scale(int n) const
{
  return groups[electrode[n]].hardness + 2.0 * pair_les::self_energy_factor(*network.long_range());
}

// Multiplier of the neutral cell, V.
double LESElectrodes::neutralizing_potential() const
{
  return groups.neutralizes() ? multipliers.back() : 0.0;
}

void LESElectrodes::solve(bool preliminary)
{
  const double start = platform::walltime();
  groups.evaluate();
  list_atoms();
  in_step = 0;
  multipliers.assign(groups.n_constraints(), 0.0);

  Vector charge = charges.values(); // of electrodes: those of the last step
  const auto extrapolated = history.extrapolate();
  if (!extrapolated.empty())
    for (const int i : atoms) charge[i] = extrapolated[i];
  fulfill_constraints(charge);

  Vector rest = residual(charge);
  if (!matrix.ready() || !add_by_matrix(charge, rest)) add_by_iterations(charge, rest, preliminary);

  const bool again = history.is_repeated();
  Vector of_electrodes(charge.size(), 0.0);
  for (const int i : atoms) of_electrodes[i] = charge[i];
  history.add(of_electrodes);
  if (!preliminary && matrix.is_due(in_step)) build_matrix();
  charges.take(charge, -neutralizing_potential());

  totals.assign(groups.size(), 0.0);
  for (std::size_t n = 0; n < atoms.size(); n++) totals[electrode[n]] += charge[atoms[n]];
  MPI_Allreduce(MPI_IN_PLACE, totals.data(), groups.size(), MPI_DOUBLE, MPI_SUM, world);
  seconds += platform::walltime() - start;
  count(again);
}

// Shift the charges of electrodes alike so that their sums are those that are fixed.
void LESElectrodes::fulfill_constraints(Vector &charge) const
{
  const int n_sums = groups.n_constraints();
  Vector sums(2 * n_sums + 1, 0.0); // charges and atoms of each sum, charge outside the electrodes
  for (std::size_t n = 0; n < atoms.size(); n++) {
    const int k = groups.constraint_of(electrode[n]);
    if (k < 0) continue;
    sums[k] += charge[atoms[n]];
    sums[n_sums + k] += 1.0;
  }
  std::vector<bool> learned(charge.size(), true);
  for (const int i : atoms) learned[i] = false;
  for (std::size_t i = 0; i < charge.size(); i++)
    if (learned[i]) sums[2 * n_sums] += charge[i];
  MPI_Allreduce(MPI_IN_PLACE, sums.data(), static_cast<int>(sums.size()), MPI_DOUBLE, MPI_SUM,
                world);
  refuse_charges(sums.back());

  Vector wanted(n_sums, 0.0);
  for (int k = 0; k < groups.size(); k++)
    if (groups[k].given_charge)
      wanted[groups.constraint_of(k)] = groups[k].value / field.physical_charge();
  if (groups.neutralizes())
    wanted.back() = -sums.back() - groups.given_charge() / field.physical_charge();
  for (std::size_t n = 0; n < atoms.size(); n++) {
    const int k = groups.constraint_of(electrode[n]);
    if (k >= 0) charge[atoms[n]] -= (sums[k] - wanted[k]) / sums[n_sums + k];
  }
}

// Of the listed atoms: what their potentials lack of the given ones, V.
LESElectrodes::Vector LESElectrodes::residual(const Vector &charge)
{
  Vector potential(charge.size()), rest(atoms.size());
  long_range.potential_of(charge, potential);
  for (std::size_t n = 0; n < atoms.size(); n++) {
    const int i = atoms[n];
    rest[n] = given_potential(electrode[n]) - potential[i] - field.potential(i) -
              hardness(static_cast<int>(n)) * charge[i];
  }
  return rest;
}

// Potential of charges of the listed atoms alone, without hardness.
void LESElectrodes::multiply(const Vector &change, Vector &product)
{
  Vector charge(atom->nlocal, 0.0), potential(atom->nlocal);
  for (std::size_t n = 0; n < atoms.size(); n++) charge[atoms[n]] = change[n];
  long_range.potential_of(charge, potential);
  for (std::size_t n = 0; n < atoms.size(); n++) product[n] = potential[atoms[n]];
}

void LESElectrodes::add(const Vector &change, Vector &charge) const
{
  for (std::size_t n = 0; n < atoms.size(); n++) charge[atoms[n]] += change[n];
}

// e, of the charges that leave a residual; one that is the same for all of a constraint is none.
double LESElectrodes::error_of(const Vector &rest) const
{
  double mine = 0.0, all;
  for (std::size_t n = 0; n < atoms.size(); n++) {
    const int k = groups.constraint_of(electrode[n]);
    const double mu = k < 0 ? 0.0 : multipliers[k];
    mine = std::max(mine, std::fabs(rest[n] + mu) / hardness_scale(static_cast<int>(n)));
  }
  MPI_Allreduce(&mine, &all, 1, MPI_DOUBLE, MPI_MAX, world);
  return all;
}

// In one step, or at first by some, which make up for a mesh whose matrix is not quite symmetric.
// False if iterations have to follow.
bool LESElectrodes::add_by_matrix(Vector &charge, Vector &rest)
{
  for (int refinement = 0; refinement < MOST_REFINEMENTS; refinement++) {
    multipliers = matrix.solve(rest);
    add(rest, charge);
    if (verified) {
      direct_steps++;
      return true;
    }
    rest = residual(charge);
    in_step++;
    if (error_of(rest) > tolerance.charge()) continue;
    verified = refinement == 0;
    return true;
  }
  matrix.give_up();
  return false;
}

// The unknowns are changes of the charges, of which none is known to have no potential.
void LESElectrodes::add_by_iterations(Vector &charge, const Vector &rest, bool preliminary)
{
  pair_les::ChargeEnergy energy;
  for (std::size_t n = 0; n < atoms.size(); n++) {
    energy.electronegativity.push_back(-rest[n]);
    energy.hardness.push_back(hardness(static_cast<int>(n)));
    energy.curvature.push_back(hardness_scale(static_cast<int>(n)));
  }
  energy.constraint = constraints();
  energy.totals.assign(groups.n_constraints(), 0.0);
  bool at_start = true;
  energy.potential = [&](const Vector &change, Vector &product) {
    if (at_start)
      std::fill(product.begin(), product.end(), 0.0);
    else
      multiply(change, product);
    at_start = false;
  };
  energy.precondition = [](const Vector &residual, Vector &correction) { correction = residual; };
  reduce_over_ranks(energy, world);
  Vector change(atoms.size(), 0.0);
  const auto found =
      pair_les::equilibrate(energy, tolerance.charge(), tolerance.max_iterations(), change);
  if (!preliminary) refuse_failure(found);
  const bool finite =
      std::all_of(change.begin(), change.end(), [](double q) { return std::isfinite(q); });
  stop_on_failure(lmp, finite ? ""
                              : fmt::format("electrodes of pair_style les have a charge that is "
                                            "not finite at step {}: atoms are too close",
                                            update->ntimestep));
  add(change, charge);
  multipliers = found.chemical_potential;
  in_step += found.iterations;
}

void LESElectrodes::build_matrix()
{
  const double start = platform::walltime();
  const bool found = matrix.build(
      [this](const Vector &charge, Vector &potential) {
        multiply(charge, potential);
        for (std::size_t n = 0; n < atoms.size(); n++)
          potential[n] += hardness(static_cast<int>(n)) * charge[n];
      },
      constraints(), groups.n_constraints());
  verified = false;
  if (comm->me != 0) return;
  if (found)
    utils::logmesg(lmp,
                   "pair_style les: electrodes do not move: the matrix of their {} charges took "
                   "{:.3g} s at step {}, and replaces iterations from now on\n",
                   matrix.size(), platform::walltime() - start, update->ntimestep);
  else
    error->warning(FLERR,
                   "the matrix of the {} charges of electrodes of pair_style les is not positive "
                   "definite, so that iterations go on; type a smaller accuracy of kspace_style, "
                   "or a hardness as in 'electrode {} {} hardness 1.0'",
                   matrix.size(), groups[0].group, groups[0].value);
}

void LESElectrodes::tally_energies(const LESTally &tally) const
{
  const auto &charge = charges.values();
  double sum = 0.0;
  for (std::size_t n = 0; n < atoms.size(); n++) {
    const double q = charge[atoms[n]];
    const double energy =
        (0.5 * hardness(static_cast<int>(n)) * q - given_potential(electrode[n])) * q;
    sum += energy;
    if (tally.energies) tally.energies[atoms[n]] += units.energy * energy;
  }
  if (tally.coulomb) *tally.coulomb += units.energy * sum;
}

double LESElectrodes::potential(int k) const
{
  if (!groups[k].given_charge) return groups[k].value;
  const double latent = multipliers[groups.constraint_of(k)] - neutralizing_potential();
  return latent / field.physical_charge();
}

double LESElectrodes::battery_energy(int k) const
{
  return groups[k].given_charge ? 0.0 : units.energy * given_potential(k) * totals[k];
}

double LESElectrodes::empty_capacitance(int k) const
{
  return matrix.capacitance(electrode, k) * field.physical_charge() * field.physical_charge();
}

// The outcome is that of all ranks.
void LESElectrodes::refuse_failure(const pair_les::Equilibrium &found) const
{
  if (found.outcome == pair_les::Equilibrium::too_many_iterations)
    error->all(FLERR,
               "charges of electrodes of pair_style les have an error of {:.3g} e after {} "
               "iterations at step {} instead of qtol {}; type 'pair_style les qiter {}' for more "
               "iterations, a larger qtol, or a hardness",
               found.error, found.iterations, update->ntimestep, tolerance.charge(),
               10 * tolerance.max_iterations());
  if (found.outcome == pair_les::Equilibrium::not_positive_definite)
    error->all(
        FLERR,
        "charges of electrodes of pair_style les have no energy of least value at step {}: "
        "the accuracy of kspace_style is too low for atoms that are so close; type 'kspace_style "
        "pppm 1.0e-6', or a hardness as in 'electrode {} {} hardness 1.0'",
        update->ntimestep, groups[0].group, groups[0].value);
}

void LESElectrodes::count(bool again)
{
  iterations += in_step;
  most_iterations = std::max(most_iterations, in_step);
  if (!again) steps++;
}

void LESElectrodes::start_counting()
{
  steps = iterations = direct_steps = 0;
  most_iterations = 0;
  seconds = 0.0;
}

void LESElectrodes::report() const
{
  if (steps == 0) return;
  double sum;
  MPI_Allreduce(&seconds, &sum, 1, MPI_DOUBLE, MPI_SUM, world);
  if (comm->me == 0)
    utils::logmesg(
        lmp,
        "pair_style les: electrodes took {:.3g} iterations per step, at most {}, for qtol "
        "{}, none on {} of {} steps, and {:.4g} s, part of Pair and Kspace\n",
        static_cast<double>(iterations) / static_cast<double>(steps), most_iterations,
        tolerance.charge(), direct_steps, steps, sum / comm->nprocs);
}
