// SPDX-License-Identifier: GPL-2.0-only

#include "les_tuning.h"

#include "atom.h"
#include "comm.h"
#include "error.h"
#include "force.h"
#include "kspace.h"

#include "core/long_range_plan.h"
#include "kspace_access.h"
#include "kspace_cell.h"
#include "kspace_modify.h"
#include "les_checks.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace LAMMPS_NS;

// relative change of sum q^2 or of the volume above which the mesh no longer has the accuracy asked
// for
static constexpr double CHARGE_CHANGE = 0.1;
static constexpr double VOLUME_CHANGE = 0.1;

// times the error asked for, where a refined solver is accepted; what is refined becomes better
// than what is not
static constexpr double TOLERATED_OF_REFINED = 1.1;

static constexpr int MOST_REFINEMENTS = 8;
// part of an error that may be left by two refinements; more of it is not of the mesh but, say, of
// FFTs in single precision
static constexpr double STAGNATION = 0.7;

static constexpr double SMALLEST_STEP =
    1.15; // of the factor by which a part is planned more accurately

namespace {

// sum of atom->q squared
double present_charge_square(const LAMMPS *lmp)
{
  double mine = 0.0, all;
  for (int i = 0; i < lmp->atom->nlocal; i++) mine += lmp->atom->q[i] * lmp->atom->q[i];
  MPI_Allreduce(&mine, &all, 1, MPI_DOUBLE, MPI_SUM, lmp->world);
  return all;
}

} // namespace

LESTuning::LESTuning(LAMMPS *lmp, const LESUnits &units, LESSolverSettings &settings,
                     LESNetwork &network, const LESElectrodeGroups &electrodes, LESCharges &charges,
                     KSpaceBox &kspace_box, LESAccuracy::ReverseSum add_from_ghosts) :
    Pointers(lmp), settings(settings), network(network), charges(charges), kspace_box(kspace_box),
    gewald(lmp, network, settings), mesh(lmp, network, electrodes, settings, gewald),
    accuracy(lmp, units, settings, network, charges, gewald, mesh, std::move(add_from_ghosts))
{}

void LESTuning::release()
{
  gewald.release();
  mesh.release();
}

void LESTuning::reset()
{
  mesh.release();
  settings.choose_mesh = true;
  settings.split = settings.choose_cutoff = settings.chose_matched = false;
}

int LESTuning::keyword(int narg, char **arg)
{
  if (strcmp(arg[0], "mesh") == 0) {
    const std::string choice = narg < 2 ? "" : arg[1];
    if (choice != "auto" && choice != "stock")
      error->all(FLERR,
                 "pair_style les mesh is '{}' but must be auto or stock; type 'pair_style les "
                 "mesh stock' for the settings of kspace_modify alone",
                 choice);
    settings.choose_mesh = choice == "auto";
    return 2;
  }
  if (strcmp(arg[0], "coul") != 0) return 0;
  if (narg < 2)
    error->all(FLERR, "pair_style les keyword coul needs a cutoff; type 'pair_style les coul 9.0'");
  settings.split = true;
  if (strcmp(arg[1], "auto") == 0) {
    settings.choose_cutoff = true;
    return 2;
  }
  const double cutoff = utils::numeric(FLERR, arg[1], false, lmp);
  if (cutoff <= 0.0)
    error->all(FLERR,
               "pair_style les coul cutoff is {} but must be > 0; type 'pair_style les coul 9.0'",
               cutoff);
  settings.cutoff = cutoff;
  return 2;
}

void LESTuning::prepare()
{
  if (stage == INITIALIZING) return;
  refuse_styles_with_charges(lmp); // before pair_style hybrid compares their cutoffs with this one
  if (is_new_kspace()) {
    gewald.forget();
    mesh.forget();
  }
  mesh.choose();
  if (settings.choose_cutoff) choose_cutoff();
  quiet_warnings();
  if (!force->kspace->msmflag) gewald.prepare();
  mesh.plan(present_charge_square(lmp));
}

// A kspace_style command has made a new object since quiet_warnings() was called.
bool LESTuning::is_new_kspace() const
{
  return force->kspace->warn_nocharge != 0;
}

// Charges are known only after the first forward pass and need not add up to zero: the warnings of
// kspace->init() would mislead.
void LESTuning::quiet_warnings()
{
  KSpace *const kspace = force->kspace;
  kspace->warn_nocharge = 0;
  if (kspace->warn_nonneutral == 1) kspace->warn_nonneutral = 2;
  if (!kspace->msmflag) return;
  kspace->warn_nonneutral =
      2; // periodic charged systems are refused, a charged cluster is not wrong
  kspace->scalar_pressure_flag = 0;               // its shortcut holds for 1/r only
  modify_kspace(kspace, {"cutoff/adjust", "no"}); // the cutoff is the user's
}

// Coul auto: by a cost model, not by timing, so that the same input gives the same trajectory
// everywhere. The neighbor list is made for the cutoff chosen here, before the charges of the first
// step are known: those of atom->q stand in for them, or a guess if there are none, to which the
// choice is not sensitive.
void LESTuning::choose_cutoff()
{
  if (strncmp(force->kspace_style, "pppm", 4) != 0)
    error->all(
        FLERR,
        "pair_style les coul auto knows the cost of pppm only, not of {}; type a cutoff as in "
        "'pair_style les coul 9.0'",
        force->kspace_style);
  if (gewald.by_user())
    error->all(
        FLERR,
        "kspace_modify gewald {} leaves pair_style les coul auto no choice; remove it or type a "
        "cutoff as in 'pair_style les coul 9.0'",
        force->kspace->g_ewald);

  const auto plans = pair_les::long_range_plans(mesh.task(present_charge_square(lmp)));
  const auto best = pair_les::cheapest(plans);
  settings.chose_matched = best.cutoff == 0.0;
  settings.cutoff = settings.chose_matched ? network.cutoff() : best.cutoff;
  if (comm->me != 0) return;
  const double points = static_cast<double>(best.points[0]) * best.points[1] * best.points[2];
  utils::logmesg(
      lmp,
      "pair_style les: coul auto chose {} (g_ewald {:.3g}, {:.2g} mesh points per atom): "
      "about {:.2g} us per atom and step, matched mode {:.2g}\n",
      settings.chose_matched ? "matched mode" : fmt::format("R = {} A", settings.cutoff),
      best.g_ewald, points / static_cast<double>(atom->natoms), best.cost, plans.front().cost);
}

// Charges are those that kspace->init() has just seen; the first step compares.
void LESTuning::init()
{
  kspace_box.forget();
  stage = GUESSED;
  sized_charge_square = KSpaceAccess::charge_square(force->kspace);
  sized_volume = kspace_volume(lmp);
}

bool LESTuning::is_outgrown() const
{
  const double charge_square = KSpaceAccess::charge_square(force->kspace);
  const double volume = kspace_volume(lmp);
  return std::fabs(charge_square - sized_charge_square) > CHARGE_CHANGE * charge_square ||
         std::fabs(volume - sized_volume) > VOLUME_CHANGE * volume;
}

// Kspace styles size their mesh at init() from the charges and the box of that moment: at first
// there are no charges of this model yet, later both may have changed.
bool LESTuning::update_solver()
{
  const double charge_square = KSpaceAccess::charge_square(force->kspace);
  const bool outgrown = is_outgrown();
  if (outgrown) {
    mesh.reset_scales();
    if (!settings.matched()) gewald.release(); // it only stood in while there were no charges
    mesh.plan(charge_square);
    init_kspace();
    sized_charge_square = charge_square;
    sized_volume = kspace_volume(lmp);
  }
  const bool capped = settings.split && !force->kspace->msmflag && gewald.cap();
  if (capped) init_kspace();
  if (!outgrown && !capped && stage == SETTLED) return false;

  kspace_box.set_up();
  const bool refined = accuracy.can_measure() && refine();
  accuracy.report();
  charges.warn_of_imbalance();
  stage = SETTLED;
  return outgrown || capped || refined;
}

// With the settings as they stand: kspace->init() comes back through prepare().
void LESTuning::init_kspace()
{
  const Stage before = stage;
  stage = INITIALIZING;
  charges.sync_atom_charges_to_host();
  try {
    force->kspace->init();
  } catch (...) { // an error of LAMMPS that a program may catch and go on
    stage = before;
    throw;
  }
  stage = before;
  kspace_box.forget();
}

// Refine the solver until the error measured is what was asked for, or nothing more can be done
// about it.
bool LESTuning::refine()
{
  KSpaceProbe probe(lmp, charges.n_atoms());
  bool refined = false;
  double before[2] = {0.0, 0.0}; // errors of the last two attempts
  for (int n = 0;; n++) {
    accuracy.measure(probe);
    const double error = accuracy.ratio();
    if (error <= (refined ? TOLERATED_OF_REFINED : LESAccuracy::TOLERATED) || n == MOST_REFINEMENTS)
      return refined;
    if (n >= 2 && error > STAGNATION * before[0]) return refined;
    before[0] = before[1];
    before[1] = error;
    if (!plan_finer()) return refined;
    refined = true;
    init_kspace();
    kspace_box.set_up();
  }
}

// The part of the solver whose error is too large, planned for an accuracy that is higher in
// proportion.
bool LESTuning::plan_finer()
{
  const bool cut = accuracy.cutoff_ratio() > 0.0 && !settings.matched();
  const double share = cut ? pair_les::SHARE_OF_CUTOFF : 0.0;
  double finer[2] = {accuracy.mesh_ratio() / std::sqrt(1.0 - share * share),
                     cut ? accuracy.cutoff_ratio() / share : 0.0};
  if (finer[0] <= 1.0 && finer[1] <= 1.0) finer[finer[1] > finer[0]] = SMALLEST_STEP;
  return mesh.plan_finer(finer[0], finer[1], KSpaceAccess::charge_square(force->kspace));
}
