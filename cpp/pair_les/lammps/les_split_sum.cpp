// SPDX-License-Identifier: GPL-2.0-only

#include "les_split_sum.h"

#include "atom.h"
#include "comm.h"
#include "error.h"
#include "force.h"
#include "kspace.h"
#include "neigh_list.h"
#include "neighbor.h"
#include "platform.h"

#include "core/long_range.h"
#include "kspace_cell.h"

using namespace LAMMPS_NS;

LESSplitSum::LESSplitSum(LAMMPS *lmp, const LESUnits &units, LESNetwork &network,
                         LESCharges &charges, const LESSolverSettings &settings) :
    Pointers(lmp), units(units), network(network), charges(charges), settings(settings)
{}

// The solver has the latent Gaussians: there is no difference.
bool LESSplitSum::vanishes() const
{
  return !force->kspace->msmflag &&
         force->kspace->g_ewald == pair_les::g_ewald_from_sigma(network.long_range()->sigma);
}

void LESSplitSum::compute(const LESTally &tally)
{
  using Virial = pair_les::PairSum::Virial;
  clear();
  if (vanishes()) return;
  tabulate();
  network.messages.send_charges();
  const double start = platform::walltime();
  sum_pairs(tally.virials_of_atoms() ? Virial::per_atom
            : tally.virial           ? Virial::total
                                     : Virial::none);
  tally_sum(tally);
  seconds += platform::walltime() - start;
}

void LESSplitSum::compute_potential()
{
  clear();
  if (vanishes()) return;
  tabulate();
  network.messages.send_charges();
  sum_potential();
}

void LESSplitSum::report() const
{
  double sum;
  MPI_Allreduce(&seconds, &sum, 1, MPI_DOUBLE, MPI_SUM, world);
  if (comm->me == 0)
    utils::logmesg(lmp, "pair_style les: pair sum took {:.4g} s, part of Pair\n",
                   sum / comm->nprocs);
}

// The k = 0 part of the pair sum, shared out in proportion to the charges; msm has no background.
double LESSplitSum::background() const
{
  const double total = charges.total();
  if (total == 0.0 || force->kspace->msmflag) return 0.0;
  return pair_les::split_background_virial(total, kspace_volume(lmp), *network.long_range(),
                                           force->kspace->g_ewald) /
         total;
}

// The latent interaction less that of the solver: erf(g r)/r of the Ewald-type ones, gamma(r/R)/R
// of msm.
void LESSplitSum::tabulate()
{
  KSpace *const kspace = force->kspace;
  const double sigma = network.long_range()->sigma, k_e = network.long_range()->coulomb_constant;
  const double g_ewald = kspace->g_ewald, cutoff = settings.cutoff;

  // the order of msm may change at every init(), g_ewald of the others only tells itself
  if (!kspace->msmflag && g_ewald == tabulated_gewald) return;
  if (kspace->msmflag && tabulated_gewald < 0.0) return;
  tabulated_gewald = kspace->msmflag ? -1.0 : g_ewald;

  const auto difference = [=](double r) -> pair_les::ValueAndDerivative {
    if (!kspace->msmflag) return pair_les::split_pair_potential(r, sigma, g_ewald, k_e);
    const auto latent = pair_les::smeared_coulomb(r, sigma, k_e);
    return {latent.value - k_e * kspace->gamma(r / cutoff) / cutoff,
            latent.derivative - k_e * kspace->dgamma(r / cutoff) / (cutoff * cutoff)};
  };
  try {
    table.build(difference, cutoff);
  } catch (const std::exception &e) {
    error->all(FLERR, e.what());
  }
}

void LESSplitSum::clear()
{
  sum.clear(atom->nlocal, pair_les::PairSum::Virial::none);
}

void LESSplitSum::sum_pairs(pair_les::PairSum::Virial wanted)
{
  const NeighList *const list = network.list();
  const pair_les::FullNeighborList view{list->inum, list->ilist, list->numneigh, list->firstneigh,
                                        NEIGHMASK};
  if (listed != network.n_lists())
    pairs.list_pairs(atom->x, atom->nlocal, view, settings.cutoff + neighbor->skin);
  listed = network.n_lists();

  const int nall = atom->nlocal + atom->nghost;
  std::vector<double> charge(nall);
  for (int i = 0; i < nall; i++) charge[i] = atom->q[i] / units.charge;
  pairs.compute(atom->x, charge, atom->nlocal, table, settings.cutoff, wanted, sum);
}

void LESSplitSum::tally_sum(const LESTally &tally)
{
  tally_pair_sum(sum, charges.values(), background(), units, atom, tally);
}

void LAMMPS_NS::tally_pair_sum(const pair_les::PairSum &sum, const std::vector<double> &charge,
                               double background, const LESUnits &units, Atom *atom,
                               const LESTally &tally)
{
  for (int i = 0; i < atom->nlocal; i++) {
    const double q = charge[i];
    for (int k = 0; k < 3; k++) atom->f[i][k] += units.energy * sum.force[3 * i + k];
    if (tally.coulomb) *tally.coulomb += 0.5 * units.energy * q * sum.potential[i];
    if (tally.virial)
      for (int k = 0; k < 3; k++) tally.virial[k] += units.energy * background * q;
  }
  if (tally.virial)
    for (int k = 0; k < 6; k++) tally.virial[k] += units.energy * sum.total_virial[k];
  tally_pair_sum_of_atoms(sum, charge, background, units, tally);
}

void LAMMPS_NS::tally_pair_sum_of_atoms(const pair_les::PairSum &sum,
                                        const std::vector<double> &charge, double background,
                                        const LESUnits &units, const LESTally &tally)
{
  if (!tally.energies && !tally.virials_of_atoms()) return;
  for (int i = 0; i < static_cast<int>(charge.size()); i++) {
    const double q = charge[i];
    if (tally.energies) tally.energies[i] += 0.5 * units.energy * q * sum.potential[i];
    if (!tally.virials_of_atoms()) continue;
    for (int k = 0; k < 6; k++) {
      const double v = units.energy * (sum.virial[6 * i + k] + (k < 3 ? background * q : 0.0));
      if (tally.virials) tally.virials[i][k] += v;
      if (tally.centroids) tally.centroids[i][k] += v;
      if (tally.centroids && k > 2) tally.centroids[i][k + 3] += v; // yx zx zy
    }
  }
}
