// SPDX-License-Identifier: GPL-2.0-only

#include "les_equilibration.h"

#include "atom.h"
#include "comm.h"
#include "error.h"
#include "force.h"
#include "kspace.h"
#include "update.h"

#include "charge_energy_sums.h"
#include "core/long_range.h"
#include "les_failure.h"

#include <algorithm>
#include <cmath>

using namespace LAMMPS_NS;

// in units of sigma, how far charge flows in one step of the preconditioner
static constexpr double TRANSFER_LENGTH = 1.5;

LESEquilibration::LESEquilibration(LAMMPS *lmp, const LESUnits &units, LESNetwork &network,
                                   LESCharges &charges, const LESField &field,
                                   LESLongRange &long_range, const LESChargeTolerance &tolerance,
                                   const std::string &history_id) :
    Pointers(lmp), history(lmp, history_id), units(units), network(network), charges(charges),
    field(field), long_range(long_range), tolerance(tolerance)
{}

void LESEquilibration::init(bool electrodes)
{
  if (!network.equilibrates()) {
    if (tolerance.given() && !electrodes)
      error->all(FLERR,
                 "pair_style les qtol and qiter are for charge equilibration, but model file '{}' "
                 "has {}; remove them",
                 network.file(), network.long_range() ? "charges of its own" : "no charges");
    return;
  }
  if (force->kspace && force->kspace->msmflag)
    error->all(FLERR,
               "kspace_style {} has not been tested with charge equilibration, which model file "
               "'{}' needs; type 'kspace_style pppm 1.0e-5'",
               force->kspace_style, network.file());
  history.forget(); // whatever has happened since the last run
}

void LESEquilibration::solve()
{
  const auto energy = energy_function();
  auto charge = history.extrapolate();
  charges.sync_atom_charges_to_host();
  if (charge.empty()) // atom->q has charges until the next line, which uses it for other things
    for (int i = 0; i < atom->nlocal; i++) charge.push_back(atom->q[i] / units.charge);
  build_preconditioner(energy.curvature);
  const auto found =
      pair_les::equilibrate(energy, tolerance.charge(), tolerance.max_iterations(), charge);
  refuse_failure(found, charge);
  const bool again = history.is_repeated();
  history.add(charge);
  count(found, again);
  charges.assign(charge);
}

// As the core minimizes it.
pair_les::ChargeEnergy LESEquilibration::energy_function()
{
  using Vector = std::vector<double>;
  pair_les::ChargeEnergy result;
  result.electronegativity = network.outputs().electronegativity();
  result.hardness = network.outputs().hardness();
  result.curvature = result.hardness;
  for (int i = 0; i < atom->nlocal; i++) {
    result.electronegativity[i] += field.potential(i);
    result.curvature[i] -= pair_les::lowest_hardness(*network.long_range());
  }
  result.totals = {charges.wanted()};
  charges.count_atoms();
  result.potential = [this](const Vector &q, Vector &phi) { long_range.potential_of(q, phi); };
  result.precondition = [this](const Vector &r, Vector &z) { precondition(r, z); };
  reduce_over_ranks(result, world);
  return result;
}

void LESEquilibration::build_preconditioner(const std::vector<double> &curvature)
{
  const auto &model = *network.long_range();
  preconditioner.build(network.graph(), curvature, TRANSFER_LENGTH * model.sigma, network.cutoff(),
                       2.0 * pair_les::self_energy_factor(model));
  std::copy(preconditioner.mobility().begin(), preconditioner.mobility().end(), atom->q);
  send_to_images();
  preconditioner.set_mobilities(atom->q);
}

// Values of local atoms go to their images by way of atom->q.
void LESEquilibration::send_to_images()
{
  charges.atom_charges_changed_on_host();
  network.messages.send_charges();
  charges.sync_atom_charges_to_host();
}

void LESEquilibration::precondition(const std::vector<double> &residual,
                                    std::vector<double> &correction)
{
  for (int i = 0; i < atom->nlocal; i++) atom->q[i] = preconditioner.message(i, residual[i]);
  send_to_images();
  preconditioner.apply(residual, atom->q, correction);
}

double LESEquilibration::energy_of(int i) const
{
  const double q = charges.values()[i];
  return (network.outputs().electronegativity()[i] + 0.5 * network.outputs().hardness()[i] * q) * q;
}

void LESEquilibration::tally_energies(const LESTally &tally) const
{
  double sum = 0.0;
  for (int i = 0; i < atom->nlocal; i++) {
    const double energy = energy_of(i);
    sum += energy;
    if (tally.energies) tally.energies[i] += units.energy * energy;
  }
  if (tally.short_range) *tally.short_range += units.energy * sum;
}

// The outcome is that of all ranks.
void LESEquilibration::refuse_failure(const pair_les::Equilibrium &found,
                                      const std::vector<double> &charge) const
{
  if (found.outcome == pair_les::Equilibrium::too_many_iterations)
    error->all(
        FLERR,
        "charge equilibration of pair_style les has an error of {:.3g} e after {} iterations "
        "at step {} instead of qtol {}; type 'pair_style les qiter {}' for more iterations, "
        "or a larger qtol",
        found.error, found.iterations, update->ntimestep, tolerance.charge(),
        10 * tolerance.max_iterations());
  if (found.outcome == pair_les::Equilibrium::not_positive_definite)
    error->all(FLERR,
               "charge equilibration of pair_style les has no minimum at step {}: the mesh of "
               "kspace_style {} is too coarse; type 'kspace_style {} 1.0e-5' or a smaller number",
               update->ntimestep, force->kspace_style, force->kspace_style);
  const bool finite =
      std::all_of(charge.begin(), charge.end(), [](double q) { return std::isfinite(q); });
  stop_on_failure(lmp,
                  finite ? ""
                         : fmt::format("charge equilibration of pair_style les gave a charge that "
                                       "is not finite at step {}: atoms are too close",
                                       update->ntimestep));
}

void LESEquilibration::count(const pair_les::Equilibrium &found, bool again)
{
  in_step = found.iterations + (again ? in_step : 0);
  most_iterations = std::max(most_iterations, in_step);
  iterations += found.iterations;
  if (!again) steps++;
  if (comm->me != 0) return;
  counted[0] = in_step;
  counted[1] = found.error;
  counted[2] = units.energy * found.chemical_potential[0];
}

void LESEquilibration::report() const
{
  if (steps == 0) return;
  if (comm->me == 0)
    utils::logmesg(lmp,
                   "pair_style les: charge equilibration took {:.3g} iterations per step, at most "
                   "{}, for qtol {}\n",
                   static_cast<double>(iterations) / static_cast<double>(steps), most_iterations,
                   tolerance.charge());
}

void LESEquilibration::start_counting()
{
  steps = iterations = 0;
  most_iterations = 0;
}
