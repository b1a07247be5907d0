/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   pair_style les: commands of LAMMPS and the order of a step. Whatever cannot work is refused
   before the first step, on every rank, in one line that says what to type instead.
------------------------------------------------------------------------- */

#include "pair_les.h"

#include "atom.h"
#include "citeme.h"
#include "compute.h"
#include "error.h"
#include "force.h"
#include "kspace.h"
#include "memory.h"
#include "modify.h"
#include "update.h"

#include "kspace_access.h"
#include "les_checks.h"
#include "les_kspace_checks.h"
#include "les_parts.h"
#include "refused_commands.h"
#include "type_charges.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace LAMMPS_NS;

static const char cite_les[] =
    "pair_style les: Latent Ewald summation, doi:10.1038/s41524-025-01577-7\n\n"
    "@Article{Cheng2025,\n"
    " author =  {B. Cheng},\n"
    " title =   {Latent {E}wald summation for machine learning of long-range interactions},\n"
    " journal = {npj Computational Materials},\n"
    " year =    2025,\n"
    " volume =  11,\n"
    " pages =   {80}\n"
    "}\n\n";

PairLES::PairLES(LAMMPS *lmp) : PairLES(lmp, NoParts())
{
  create_parts<LESNetwork, LESCharges, LESField, LESSplitSum, LESLongRange>();
}

PairLES::PairLES(LAMMPS *lmp, NoParts) :
    Pair(lmp), fix_backward(nullptr), kspace_energy(nullptr), any_masses(false)
{
  single_enable = 0;
  restartinfo = 0;
  one_coeff = 1;
  manybody_flag = 1;
  no_virial_fdotr_compute = 1;
  centroidstressflag = CENTROID_AVAIL;
  ewaldflag = pppmflag = msmflag = 1;
  ncoultablebits = 0; // kspace would warn of the error of tables that do not exist
}

PairLES::~PairLES()
{
  delete_internal_styles();
  if (!allocated) return;
  memory->destroy(setflag);
  memory->destroy(cutsq);
}

// First phase: energies and charges; the forces follow in backward(), or here if no kspace style is
// involved.
void PairLES::compute(int eflag, int vflag)
{
  ev_init(eflag, vflag);
  const LESTally tally{eflag_global ? &eng_vdwl : nullptr, eflag_global ? &eng_coul : nullptr,
                       eflag_atom ? eatom : nullptr,       vflag_global ? virial : nullptr,
                       vflag_atom ? vatom : nullptr,       cvflag_atom ? cvatom : nullptr};
  charges->refuse_changes();
  network->build_graph(list, solver_settings->list_cutoff());
  network->forward();

  if (solves_for_charges()) field->evaluate(); // the charges respond to it
  if (long_range->has_charges()) update_charges();
  if (long_range->by_kspace()) update_kspace();
  if (!solves_for_charges()) field->evaluate();

  network->tally_energies(tally);
  if (network->equilibrates()) equilibration->tally_energies(tally);
  if (electrodes->on()) electrodes->tally_energies(tally);
  long_range->tally_corrections(tally);
  long_range->tally_slab_virial(tally);
  field->compute(*charges, tally);
  long_range->compute(tally);
  if (long_range->by_kspace()) return;

  long_range->update_potential();
  network->backward(long_range->seed(), tally);
}

bool PairLES::solves_for_charges() const
{
  return network->equilibrates() || electrodes->on();
}

// Of the present step, into atom->q.
void PairLES::update_charges()
{
  if (network->equilibrates())
    equilibration->solve();
  else
    charges->take_latent();
  if (electrodes->on()) electrodes->solve(long_range->by_kspace() && !tuning->settled());
  long_range->charges_changed();
}

// A solver that fits these charges and this box; charges that minimize the energy are those of the
// solver as it is.
void PairLES::update_kspace()
{
  refuse_scaled_kspace(lmp);
  for (int attempt = 0; tuning->update_solver() && solves_for_charges() && attempt < 3; attempt++) {
    electrodes->solver_changed();
    update_charges();
  }
  if (!update->setupflag) kspace_box->set_up(); // the setup of a run does so after pair
  if (long_range->reads_energies_of_atoms()) kspace_energy->addstep(update->ntimestep + 1);
}

// Second phase: chain-rule forces -sum_j phi_j dq_j/dr together with the short-range forces.
void PairLES::backward(const LESTally &tally)
{
  if (!long_range->by_kspace()) return;
  // commands that call kspace themselves (dynamical_matrix, third_order) do not ask it for energies
  // of atoms
  if (long_range->reads_energies_of_atoms() && !KSpaceAccess::has_energies_of_atoms(force->kspace))
    long_range->compute_missing_energies();
  kspace_box->remember();
  long_range->update_potential();
  network->backward(long_range->seed(), tally);
}

void PairLES::settings(int narg, char **arg)
{
  // LAMMPS keeps the style object when the same style is named again
  network->reset();
  network->messages.reset();
  electrode_groups->reset();
  charges->reset();
  field->reset();
  tolerance->reset();
  tuning->reset();
  any_masses = false;
  for (int iarg = 0, words = 0; iarg < narg; iarg += words) {
    const int left = narg - iarg;
    words = network->keyword(left, arg + iarg);
    if (!words) words = network->messages.keyword(left, arg + iarg);
    if (!words) words = electrode_groups->keyword(left, arg + iarg);
    if (!words) words = charges->keyword(left, arg + iarg);
    if (!words) words = field->keyword(left, arg + iarg);
    if (!words) words = tolerance->keyword(left, arg + iarg);
    if (!words) words = tuning->keyword(left, arg + iarg);
    if (!words) words = masses_keyword(lmp, left, arg + iarg, any_masses);
    if (!words)
      error->all(FLERR,
                 "Unknown pair_style les keyword '{}'; type 'pair_style les' or "
                 "'pair_style les coul 9.0'",
                 arg[iarg]);
  }
  if (lmp->citeme) lmp->citeme->add(cite_les);
}

void PairLES::allocate()
{
  allocated = 1;
  const int n = atom->ntypes + 1;
  memory->create(setflag, n, n, "pair:setflag");
  memory->create(cutsq, n, n, "pair:cutsq");
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) setflag[i][j] = 0;
}

void PairLES::coeff(int narg, char **arg)
{
  if (!allocated) allocate();
  if (narg < 3 || strcmp(arg[0], "*") != 0 || strcmp(arg[1], "*") != 0)
    error->all(FLERR,
               "Incorrect pair_coeff of pair_style les; type 'pair_coeff * * model.pt' followed "
               "by one element for each of the {} atom types",
               atom->ntypes);
  delete_internal_styles();
  // a command that fails and whose error is caught (Python) leaves no half of two models
  for (int i = 1; i <= atom->ntypes; i++) std::fill_n(&setflag[i][1], atom->ntypes, 0);
  network->read(arg[2]);
  if (!solver_settings->split || solver_settings->choose_cutoff)
    solver_settings->cutoff = network->cutoff();
  network->messages.choose(network->metadata(), network->file());
  network->assign_species(narg - 3, arg + 3, electrodes->on());
  const auto types = network->interacting_types(electrodes->on());
  for (int i = 1; i <= atom->ntypes; i++)
    for (int j = 1; j <= atom->ntypes; j++) setflag[i][j] = types[i] >= 0 && types[j] >= 0;
  if (network->long_range()) create_internal_styles();
}

// Integrators and minimizers collect computes with per-atom energy before init_style() runs, so
// that these have to exist by then.
void PairLES::create_internal_styles()
{
  const std::string id = fmt::format("les_{}", instance_me);
  fix_backward = dynamic_cast<FixLESBackward *>(modify->add_fix(id + "_backward all LES/BACKWARD"));
  fix_backward->pair = this;
  kspace_energy = modify->add_compute(id + "_kspace all pe/atom kspace");
  if (electrodes->on()) electrodes->history.create();
  if (!network->equilibrates()) return;
  equilibration->history.create();
  nextra = LESEquilibration::N_EXTRA; // of compute pair
  pvector = equilibration->extra();
}

void PairLES::delete_internal_styles()
{
  // by their names: unfix and uncompute may have taken them away
  const std::string id = fmt::format("les_{}", instance_me);
  if (modify->get_fix_by_id(id + "_backward")) modify->delete_fix(id + "_backward");
  if (modify->get_compute_by_id(id + "_kspace")) modify->delete_compute(id + "_kspace");
  fix_backward = nullptr;
  kspace_energy = nullptr;
  equilibration->history.destroy();
  electrodes->history.destroy();
  nextra = 0;
  pvector = nullptr;
}

void PairLES::init_style()
{
  refuse_settings(lmp, this);
  refuse_hidden_neighbors(lmp);
  refuse_long_lists(lmp, std::max(solver_settings->list_cutoff(), network->cutoff()));
  refuse_commands(lmp, Conflict::MODEL);
  if (!any_masses)
    refuse_wrong_masses(lmp, network->file(), network->metadata().species, network->species());
  units->energy = (strcmp(update->unit_style, "real") == 0)
                      ? utils::get_conversion_factor(utils::ENERGY, utils::METAL2REAL)
                      : 1.0;
  network->messages.request_neighbors(network->cutoff(), network->file());
  electrode_groups->init();
  field->init(*network, *charges, electrode_groups->neutralizes());
  charges->init();
  equilibration->init(electrodes->on());
  electrodes->init();
  if (network->long_range()) init_charges();
  long_range->init();
  if (!long_range->by_kspace()) return;
  refuse_commands(lmp, Conflict::KSPACE);
  refuse_kspace(lmp, *network, *charges, *solver_settings);
  tuning->init();
  if (long_range->reads_energies_of_atoms()) kspace_energy->addstep(update->ntimestep);
}

void PairLES::init_charges()
{
  std::vector<std::string> fixes{fmt::format("les_{}_backward", instance_me)};
  if (network->equilibrates()) fixes.push_back(equilibration->history.fix_id());
  if (electrodes->on()) fixes.push_back(electrodes->history.fix_id());
  refuse_removed_styles(lmp, fixes, fmt::format("les_{}_kspace", instance_me));
  refuse_commands(lmp, Conflict::CHARGES);
  refuse_charge_conflicts(lmp);
  level_charges_for_swaps(lmp);
  units->charge =
      std::sqrt(network->long_range()->coulomb_constant * units->energy / force->qqrd2e);
}

// At the start of a run, when the neighbor lists are made: a later pair_coeff of pair_style hybrid
// may have given pairs to another style.
void PairLES::setup()
{
  charges->watch(long_range->has_charges());
  refuse_taken_pairs(lmp, list,
                     network->interacting_types(solver_settings->split && electrodes->on()));
}

double PairLES::init_one(int i, int j)
{
  if (setflag[i][j] == 0)
    error->all(FLERR, "Types {} and {} have no pair_coeff of pair_style les", i, j);
  return std::max(solver_settings->list_cutoff(), network->cutoff());
}

// kspace->init() runs before init_style() and asks for the cutoff before it looks at g_ewald and at
// the charges: the one moment at which the splitting parameter can be handed over.
void *PairLES::extract(const char *str, int &dim)
{
  dim = 0;
  if (strcmp(str, "cut_coul") != 0) return nullptr;
  if (!network->loaded())
    error->all(FLERR,
               "pair_style les has no model; type 'pair_coeff * * model.pt' followed by one "
               "element for each of the {} atom types",
               atom->ntypes);
  if (!network->long_range()) {
    if (force->kspace && force->pair == this)
      error->all(FLERR,
                 "model file '{}' has no charges for kspace_style {}; type 'kspace_style none'",
                 network->file(), force->kspace_style);
    return nullptr;
  }
  if (force->kspace) tuning->prepare();
  return (void *) &solver_settings->cutoff;
}

// For `fix ID group pair 1 les potential 0 charge 0`: latent potential in V and latent charge in e.
void *PairLES::extract_peratom(const char *str, int &ncol)
{
  ncol = 0;
  if (!network->loaded() || !network->long_range()) return nullptr;
  charges->sync_to_host();
  long_range->sync_to_host();
  if (strcmp(str, "potential") == 0) return (void *) long_range->potential().data();
  if (strcmp(str, "charge") == 0) return (void *) charges->values().data();
  return nullptr;
}

double PairLES::memory_usage()
{
  return Pair::memory_usage() + network->bytes() + split_sum->bytes();
}

int PairLES::pack_forward_comm(int n, int *atoms, double *buf, int /*pbc_flag*/, int * /*pbc*/)
{
  return network->messages.pack_forward(n, atoms, buf);
}

void PairLES::unpack_forward_comm(int n, int first, double *buf)
{
  network->messages.unpack_forward(n, first, buf);
}

int PairLES::pack_reverse_comm(int n, int first, double *buf)
{
  return network->messages.pack_reverse(n, first, buf);
}

void PairLES::unpack_reverse_comm(int n, int *atoms, double *buf)
{
  network->messages.unpack_reverse(n, atoms, buf);
}

void PairLES::start_run()
{
  split_sum->start_timing();
  equilibration->start_counting();
  electrodes->start_counting();
}

void PairLES::finish_run()
{
  equilibration->report();
  electrodes->report();
  if (solver_settings->split && long_range->by_kspace()) split_sum->report();
}

LESResponse *PairLES::with_charges(LAMMPS *lmp)
{
  const auto fixes = lmp->modify->get_fix_by_style("^LES/BACKWARD");
  return fixes.empty() ? nullptr : dynamic_cast<FixLESBackward *>(fixes[0])->pair->response.get();
}

LESResponse *PairLES::only_response(LAMMPS *lmp, bool (*wanted)(const LESResponse &),
                                    const char *rule)
{
  LESResponse *found = nullptr;
  Pair *last = nullptr;
  for (int k = 1;; k++) {
    auto *const candidate = lmp->force->pair_match("^les", 0, k);
    if (!candidate || candidate == last) return found;
    last = candidate;
    auto *const pair = dynamic_cast<PairLES *>(candidate);
    if (!pair || !wanted(*pair->response)) continue;
    if (found) lmp->error->all(FLERR, "two pair_style les have a model {}", rule);
    found = pair->response.get();
  }
}

LESResponse *PairLES::with_committee(LAMMPS *lmp)
{
  return only_response(
      lmp, [](const LESResponse &response) { return response.n_members() > 1; },
      "of several networks, and compute les/committee/atom is for one; use a model of one network "
      "for the other");
}

LESResponse *PairLES::with_uncertainty(LAMMPS *lmp)
{
  return only_response(
      lmp, [](const LESResponse &response) { return response.has_uncertainty(); },
      "with uncertainties, and compute les/uncertainty/atom is for one; export the other without "
      "--uncertainty");
}
