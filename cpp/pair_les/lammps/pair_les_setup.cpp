/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   pair_style les before the first step: commands, model file, checks. Whatever cannot work is refused
   here, on every rank, in one line that says what to type instead.
------------------------------------------------------------------------- */

#include "pair_les.h"

#include "atom.h"
#include "citeme.h"
#include "comm.h"
#include "compute.h"
#include "domain.h"
#include "error.h"
#include "force.h"
#include "kspace.h"
#include "memory.h"
#include "modify.h"
#include "neighbor.h"
#include "update.h"

#include "core/long_range.h"
#include "core/simd/instruction_set.h"
#include "fix_les_backward.h"
#include "kspace_access.h"
#include "kspace_box.h"
#include "pair_les_model.h"
#include "refused_commands.h"
#include "type_charges.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <sstream>

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

namespace {

// Content of a file, read once and sent to all ranks: thousands of ranks must not open it at the
// same time. False on every rank if it cannot be read.
bool read_everywhere(const std::string &path, std::string &content, int me, MPI_Comm world)
{
  bigint size = -1;
  if (me == 0) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf(); // fails quietly for a folder or an unreadable disk, unlike iterators
    if (file && bytes) {
      content = bytes.str();
      size = static_cast<bigint>(content.size());
    }
  }
  MPI_Bcast(&size, 1, MPI_LMP_BIGINT, 0, world);
  if (size < 0 || size > MAXSMALLINT) return false;
  content.resize(size);
  MPI_Bcast(&content[0], static_cast<int>(size), MPI_CHAR, 0, world);
  return true;
}

} // namespace

/* ---------------------------------------------------------------------- */

void PairLES::settings(int narg, char **arg)
{
  // LAMMPS keeps the style object when the same style is named again
  release_mesh();
  split = cutoff_auto = auto_matched = mesh_chosen = false;
  mesh_auto = true;
  model->total_given = false;
  model->total_wanted = 0.0;
  model->field = {};
  model->equilibration = {};
  model->message_passing = Model::MessagePassing::AUTO;
  model->device = {};
  model->any_masses = false;
  for (int iarg = 0; iarg < narg; iarg++) {
    if (const int words = response_keyword(narg - iarg, arg + iarg)) {
      iarg += words - 1;
      continue;
    }
    if (const int words = device_keyword(narg - iarg, arg + iarg)) {
      iarg += words - 1;
      continue;
    }
    if (const int words = equilibration_keyword(narg - iarg, arg + iarg)) {
      iarg += words - 1;
      continue;
    }
    if (const int words = message_keyword(narg - iarg, arg + iarg)) {
      iarg += words - 1;
      continue;
    }
    if (const int words = mass_keyword(narg - iarg, arg + iarg)) {
      iarg += words - 1;
      continue;
    }
    if (strcmp(arg[iarg], "mesh") == 0) {
      const std::string choice = (iarg + 1 < narg) ? arg[++iarg] : "";
      if (choice != "auto" && choice != "stock")
        error->all(FLERR,
                   "pair_style les mesh is '{}' but must be auto or stock; type 'pair_style les "
                   "mesh stock' for the settings of kspace_modify alone",
                   choice);
      mesh_auto = choice == "auto";
      continue;
    }
    if (strcmp(arg[iarg], "coul") != 0)
      error->all(FLERR,
                 "Unknown pair_style les keyword '{}'; type 'pair_style les' or "
                 "'pair_style les coul 9.0'",
                 arg[iarg]);
    if (iarg + 1 == narg)
      error->all(FLERR,
                 "pair_style les keyword coul needs a cutoff; type 'pair_style les coul 9.0'");
    split = true;
    if (strcmp(arg[++iarg], "auto") == 0) {
      cutoff_auto = true;
      continue;
    }
    const double cutoff = utils::numeric(FLERR, arg[iarg], false, lmp);
    if (cutoff <= 0.0)
      error->all(FLERR,
                 "pair_style les coul cutoff is {} but must be > 0; type 'pair_style les coul 9.0'",
                 cutoff);
    cut_coul = cutoff;
  }
  if (lmp->citeme) lmp->citeme->add(cite_les);
}

/* ---------------------------------------------------------------------- */

void PairLES::allocate()
{
  allocated = 1;
  const int n = atom->ntypes + 1;
  memory->create(setflag, n, n, "pair:setflag");
  memory->create(cutsq, n, n, "pair:cutsq");
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) setflag[i][j] = 0;
}

/* ---------------------------------------------------------------------- */

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
  read_model(arg[2]);
  choose_message_passing();
  map_types(narg - 3, arg + 3);
  if (model->long_range()) create_internal_styles();
}

/* ---------------------------------------------------------------------- */

void PairLES::read_model(const char *name)
{
  const std::string path = (comm->me == 0) ? utils::get_potential_file_path(name) : "";
  std::string archive;
  if (!read_everywhere(path, archive, comm->me, world))
    error->all(FLERR,
               "Cannot open model file '{}' of pair_style les; check the path, or write it with "
               "'pair-les export'",
               name);

  std::string message;
  try {
    pair_les::instruction_set(); // throws if the user asks for one that is not there
    model->file = name;
    load_model(archive);
  } catch (const std::exception &e) {
    message = e.what();
  }
  // every rank read the same bytes, but a rank may lack torch
  stop_on_failure(message);

  const auto &metadata = model->metadata();
  if (model->long_range() && !atom->q_flag)
    error->all(FLERR,
               "model file '{}' has charges and needs an atom style that stores them; "
               "type 'atom_style charge' or 'atom_style full'",
               name);

  if (!split || cutoff_auto) cut_coul = metadata.cutoff;
  if (comm->me != 0) return;
  std::string species;
  for (const auto &symbol : metadata.species) species += " " + symbol;
  utils::logmesg(lmp, "pair_style les: {} ({}{}), species{}, cutoff {} A, {}\n", name,
                 metadata.dtype, model->device.is_gpu() ? " on " + model->device.name : "", species,
                 metadata.cutoff,
                 model->long_range() ? fmt::format("{} charges with sigma {} A",
                                                   equilibrates() ? "equilibrated" : "latent",
                                                   model->long_range()->sigma)
                                     : "no charges");
  for (const auto &reference : metadata.references)
    utils::logmesg(lmp, "  please cite: {}\n", reference);
}

/* ---------------------------------------------------------------------- */

void PairLES::map_types(int n, char **elements)
{
  if (n != atom->ntypes)
    error->all(FLERR,
               "pair_coeff of pair_style les names {} elements for {} atom types; name one "
               "element for each type",
               n, atom->ntypes);

  const auto &metadata = model->metadata();
  model->species_of_type.assign(n + 1, -1);
  for (int i = 0; i < n; i++) {
    if (strcmp(elements[i], "NULL") == 0) {
      if (model->long_range())
        error->all(FLERR,
                   "pair_coeff of pair_style les maps type {} to NULL, but model file '{}' gives "
                   "every atom a charge; name an element for each type",
                   i + 1, model->file);
      continue;
    }
    model->species_of_type[i + 1] = metadata.species_index(elements[i]);
    if (model->species_of_type[i + 1] < 0) {
      std::string known;
      for (const auto &symbol : metadata.species) known += " " + symbol;
      const std::string near = metadata.nearest_species(elements[i]);
      error->all(FLERR, "model file '{}' does not know element '{}' of type {}; it knows{}{}",
                 model->file, elements[i], i + 1, known,
                 near.empty() ? "" : "; did you mean '" + near + "'?");
    }
  }

  for (int i = 1; i <= n; i++)
    for (int j = 1; j <= n; j++)
      setflag[i][j] = (model->species_of_type[i] >= 0 && model->species_of_type[j] >= 0) ? 1 : 0;
}

/* ----------------------------------------------------------------------
   integrators and minimizers collect computes with per-atom energy before init_style() runs,
   so that these have to exist by then
------------------------------------------------------------------------- */

void PairLES::create_internal_styles()
{
  const std::string id = fmt::format("les_{}", instance_me);
  fix_backward = dynamic_cast<FixLESBackward *>(modify->add_fix(id + "_backward all LES/BACKWARD"));
  fix_backward->pair = this;
  kspace_energy = modify->add_compute(id + "_kspace all pe/atom kspace");
  if (equilibrates()) create_charge_history();
}

/* ---------------------------------------------------------------------- */

void PairLES::delete_internal_styles()
{
  // by their names: unfix and uncompute may have taken them away
  const std::string id = fmt::format("les_{}", instance_me);
  if (modify->get_fix_by_id(id + "_backward")) modify->delete_fix(id + "_backward");
  if (modify->get_compute_by_id(id + "_kspace")) modify->delete_compute(id + "_kspace");
  fix_backward = nullptr;
  kspace_energy = nullptr;
  delete_charge_history();
}

/* ---------------------------------------------------------------------- */

void PairLES::init_style()
{
  check_setup();
  check_masses();
  energy_unit = (strcmp(update->unit_style, "real") == 0)
                    ? utils::get_conversion_factor(utils::ENERGY, utils::METAL2REAL)
                    : 1.0;
  request_neighbors();
  solver = NONE;
  check_response();
  check_equilibration();
  if (!model->long_range()) return;

  check_internal_styles();
  refuse_commands(lmp, Conflict::CHARGES);
  check_charges();
  level_charges_for_swaps(lmp);
  charge_unit = std::sqrt(model->long_range()->coulomb_constant * energy_unit / force->qqrd2e);
  const bool isolated = !domain->xperiodic && !domain->yperiodic && !domain->zperiodic;
  if (!force->kspace && isolated) {
    solver = DIRECT;
    if (comm->me == 0)
      utils::logmesg(
          lmp,
          "pair_style les: no periodic boundary and no kspace style: direct sum over all pairs "
          "of {} atoms\n",
          atom->natoms);
    return;
  }

  solver = KSPACE;
  refuse_commands(lmp, Conflict::KSPACE);
  check_kspace();
  kspace_box->forget();
  tabulated_gewald = 0.0;
  // of the charges that kspace->init() has just seen; the first step compares
  sized_charge_square = KSpaceAccess::charge_square(force->kspace);
  sized_volume = kspace_volume();
  kspace_energy->addstep(update->ntimestep);
  mesh_reported = false;
}

/* ---------------------------------------------------------------------- */

double PairLES::init_one(int i, int j)
{
  if (setflag[i][j] == 0)
    error->all(FLERR, "Types {} and {} have no pair_coeff of pair_style les", i, j);
  return split ? std::max(cut_coul, model->metadata().cutoff) : model->metadata().cutoff;
}

/* ----------------------------------------------------------------------
   kspace->init() runs before init_style() and asks for the cutoff before it looks at g_ewald and at the
   charges: the one moment at which the splitting parameter can be handed over
------------------------------------------------------------------------- */

void *PairLES::extract(const char *str, int &dim)
{
  dim = 0;
  if (strcmp(str, "cut_coul") != 0) return nullptr;
  if (!model->evaluator)
    error->all(FLERR,
               "pair_style les has no model; type 'pair_coeff * * model.pt' followed by one "
               "element for each of the {} atom types",
               atom->ntypes);
  if (!model->long_range()) {
    if (force->kspace && force->pair == this)
      error->all(FLERR,
                 "model file '{}' has no charges for kspace_style {}; type 'kspace_style none'",
                 model->file, force->kspace_style);
    return nullptr;
  }
  if (force->kspace && !gewald_decided) {
    check_other_styles(); // before pair_style hybrid compares their cutoffs with this one
    choose_mesh();
    if (cutoff_auto) choose_cutoff();
    prepare_gewald();
    plan_mesh(present_charge_square());
    plan_vectors(present_charge_square());
  }
  return (void *) &cut_coul;
}
