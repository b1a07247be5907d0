/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   pair_style les: what the rest of an input must not do. Refused on every rank, before the first step, in
   one line that says what to type instead.
------------------------------------------------------------------------- */

#include "pair_les.h"

#include "atom.h"
#include "comm.h"
#include "domain.h"
#include "error.h"
#include "force.h"
#include "group.h"
#include "modify.h"
#include "neigh_list.h"
#include "neighbor.h"
#include "update.h"

#include "comm_access.h"
#include "core/constants.h"
#include "pair_les_model.h"
#include "refused_commands.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

using namespace LAMMPS_NS;

/* ---------------------------------------------------------------------- */

void PairLES::check_setup()
{
  if (strcmp(update->unit_style, "metal") != 0 && strcmp(update->unit_style, "real") != 0)
    error->all(FLERR,
               "pair_style les does not support units {}; type 'units metal' or 'units real'",
               update->unit_style);
  if (!force->newton_pair)
    error->all(FLERR, "pair_style les needs newton pair on; type 'newton on'");
  // respa runs kspace at other steps, verlet/split on other processes: phi would not belong to these charges
  const std::string integrate_style(update->integrate_style);
  if (utils::strmatch(integrate_style, "^respa") ||
      utils::strmatch(integrate_style, "^verlet/split") ||
      utils::strmatch(integrate_style, "^verlet/lrt"))
    error->all(FLERR,
               "pair_style les does not support run_style {}: charges and their potential "
               "belong to one and the same step and process; type 'run_style verlet'",
               integrate_style);
  if (!compute_flag || !force->pair->compute_flag)
    error->all(FLERR, "pair_style les cannot skip its computation; type 'pair_modify compute yes'");

  // LAMMPS leaves bonded pairs out of neighbor lists where both special factors are 0, unless a
  // kspace style is present
  for (int i = 1; i < 4; i++)
    if (atom->molecular != Atom::ATOMIC && !force->kspace && force->special_lj[i] == 0.0 &&
        force->special_coul[i] == 0.0)
      error->all(FLERR, "special_bonds hides bonded neighbors from pair_style les; "
                        "type 'special_bonds lj/coul 1.0 1.0 1.0'");
  check_hidden_neighbors();
  check_list_size();
  refuse_commands(lmp, Conflict::MODEL);
}

/* ----------------------------------------------------------------------
   a cutoff that is too long for LAMMPS's neighbor lists; homogeneous surroundings are the most favorable ones
------------------------------------------------------------------------- */

void PairLES::check_list_size()
{
  const double cutoff = std::max(split ? cut_coul : 0.0, model->metadata().cutoff);
  const double reach = cutoff + neighbor->skin;
  const double *const edge = domain->prd;
  const double density = static_cast<double>(atom->natoms) / (edge[0] * edge[1] * edge[2]);
  const double sphere = 4.0 / 3.0 * pair_les::PI * density;
  double expected = sphere * reach * reach * reach, images = static_cast<double>(atom->natoms);
  for (int k = 0; k < 3; k++)
    if (domain->periodicity[k]) images *= 2.0 * reach / edge[k] + 1.0;
  expected = std::min(expected, images);
  if (expected <= neighbor->oneatom) return;
  const auto room = static_cast<bigint>(1.5 * expected);
  error->all(FLERR,
             "pair_style les with a cutoff of {} A has about {:.0f} neighbors per atom, and LAMMPS "
             "has room for {}; type a cutoff of at most {:.3g} A, or 'neigh_modify one {} page {}'",
             cutoff, expected, neighbor->oneatom,
             std::cbrt(0.8 * neighbor->oneatom / sphere) - neighbor->skin, room, 10 * room);
}

/* ----------------------------------------------------------------------
   energies and charges depend on all neighbors
------------------------------------------------------------------------- */

void PairLES::check_hidden_neighbors()
{
  if (neighbor->nex_type || neighbor->nex_group || neighbor->nex_mol)
    error->all(FLERR,
               "neigh_modify exclude would hide neighbors from pair_style les, whose energies and "
               "charges depend on all of them; type 'neigh_modify exclude none'");
  if (neighbor->includegroup)
    error->all(FLERR,
               "neigh_modify include {} would hide neighbors from pair_style les, whose energies "
               "and charges depend on all of them; type 'neigh_modify include all'",
               group->names[neighbor->includegroup]);
  if (const int only = CommAccess::border_group(comm))
    error->all(FLERR,
               "comm_modify group {} would hide neighbors from pair_style les, whose energies and "
               "charges depend on all of them; type 'comm_modify group all'",
               group->names[only]);
}

/* ----------------------------------------------------------------------
   before each run, when the neighbor lists are made: a later pair_coeff of pair_style hybrid may have given
   pairs to another style
------------------------------------------------------------------------- */

void PairLES::setup()
{
  watch_charges();
  if (!list || !list->ijskip) return;
  for (int i = 1; i <= atom->ntypes; i++)
    for (int j = 1; j <= atom->ntypes; j++)
      if (model->species_of_type[i] >= 0 && model->species_of_type[j] >= 0 &&
          (list->iskip[i] || list->ijskip[i][j]))
        error->all(FLERR,
                   "pair_style hybrid has taken pairs of types {} and {} away from pair_style les, "
                   "whose energies and charges depend on all neighbors; use 'pair_style "
                   "hybrid/overlay' to add another style",
                   i, j);
}

/* ----------------------------------------------------------------------
   fixes act between setup() and compute() of a run's start. Kokkos keeps charges elsewhere
------------------------------------------------------------------------- */

void PairLES::watch_charges()
{
  model->watched = solver != NONE && !lmp->kokkos;
  if (model->watched) model->watched_charges.assign(atom->q, atom->q + atom->nlocal);
}

/* ---------------------------------------------------------------------- */

void PairLES::check_watched_charges()
{
  if (!model->watched) return;
  model->watched = false;
  const auto &charges = model->watched_charges;
  const int mine = !std::equal(charges.begin(), charges.end(), atom->q);
  int changed;
  MPI_Allreduce(&mine, &changed, 1, MPI_INT, MPI_MAX, world);
  if (changed)
    error->all(FLERR,
               "a fix sets charges of atoms, as fix adapt with atom charge does, but the model of "
               "pair_style les gives them; remove this fix");
}

/* ---------------------------------------------------------------------- */

void PairLES::check_charges()
{
  if (force->dielectric != 1.0)
    error->all(FLERR,
               "pair_style les cannot be scaled by dielectric {}: latent charges contain the "
               "screening; type 'dielectric 1.0'",
               force->dielectric);
  const auto models_with_charges = modify->get_fix_by_style("^LES/BACKWARD").size();
  if (models_with_charges > 1)
    error->all(FLERR,
               "{} pair_style les models with charges would overwrite each other's charges; "
               "use one, the others with long_range null",
               models_with_charges);
  if (utils::strmatch(force->pair_style, "^hybrid/scaled"))
    error->all(FLERR,
               "pair_style {} would scale the energies of pair_style les but not those of kspace; "
               "type 'pair_style hybrid/overlay'",
               force->pair_style);
  check_other_styles();
}

/* ----------------------------------------------------------------------
   latent charges belong to this style: another one would add a second interaction of theirs, without the
   forces by which they depend on positions
------------------------------------------------------------------------- */

void PairLES::check_other_styles()
{
  for (const auto *word : {"coul", "tip4p", "reaxff", "comb"})
    if (force->pair_match(word, 0, 1))
      error->all(
          FLERR,
          "{} has a style ('{}') that would use the latent charges of pair_style les a second "
          "time; use styles without charges",
          force->pair_style, word);
}

/* ----------------------------------------------------------------------
   unfix, uncompute or plugin unload may have removed what this style needs
------------------------------------------------------------------------- */

void PairLES::check_internal_styles()
{
  const std::string id = fmt::format("les_{}", instance_me);
  std::vector<std::string> fixes = {id + "_backward"};
  if (equilibrates()) fixes.push_back(id + "_history");
  for (const auto &name : fixes)
    if (!modify->get_fix_by_id(name))
      error->all(FLERR,
                 "fix {} of pair_style les has been removed; repeat the pair_coeff command, and "
                 "leave out this fix where a script unfixes all",
                 name);
  if (!modify->get_compute_by_id(id + "_kspace"))
    error->all(FLERR,
               "compute {}_kspace of pair_style les has been removed; repeat the pair_coeff "
               "command, and leave out this compute where a script deletes all",
               id);
}
