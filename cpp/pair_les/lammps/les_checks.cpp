// SPDX-License-Identifier: GPL-2.0-only

#include "les_checks.h"

#include "atom.h"
#include "comm.h"
#include "domain.h"
#include "error.h"
#include "force.h"
#include "group.h"
#include "modify.h"
#include "neigh_list.h"
#include "neighbor.h"
#include "pair.h"
#include "update.h"

#include "comm_access.h"
#include "core/atomic_masses.h"
#include "core/constants.h"
#include "refused_commands.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace LAMMPS_NS;

void LAMMPS_NS::refuse_settings(LAMMPS *lmp, const Pair *pair)
{
  if (strcmp(lmp->update->unit_style, "metal") != 0 && strcmp(lmp->update->unit_style, "real") != 0)
    lmp->error->all(FLERR,
                    "pair_style les does not support units {}; type 'units metal' or 'units real'",
                    lmp->update->unit_style);
  if (!lmp->force->newton_pair)
    lmp->error->all(FLERR, "pair_style les needs newton pair on; type 'newton on'");
  // respa runs kspace at other steps, verlet/split on other processes: phi would not belong to
  // these charges
  const std::string integrate_style(lmp->update->integrate_style);
  if (utils::strmatch(integrate_style, "^respa") ||
      utils::strmatch(integrate_style, "^verlet/split") ||
      utils::strmatch(integrate_style, "^verlet/lrt"))
    lmp->error->all(FLERR,
                    "pair_style les does not support run_style {}: charges and their potential "
                    "belong to one and the same step and process; type 'run_style verlet'",
                    integrate_style);
  if (!pair->compute_flag || !lmp->force->pair->compute_flag)
    lmp->error->all(FLERR,
                    "pair_style les cannot skip its computation; type 'pair_modify compute yes'");
}

// Energies and charges depend on all neighbors.
void LAMMPS_NS::refuse_hidden_neighbors(LAMMPS *lmp)
{
  // LAMMPS leaves bonded pairs out of neighbor lists where both special factors are 0, unless a
  // kspace style is present
  for (int i = 1; i < 4; i++)
    if (lmp->atom->molecular != Atom::ATOMIC && !lmp->force->kspace &&
        lmp->force->special_lj[i] == 0.0 && lmp->force->special_coul[i] == 0.0)
      lmp->error->all(FLERR, "special_bonds hides bonded neighbors from pair_style les; "
                             "type 'special_bonds lj/coul 1.0 1.0 1.0'");
  if (lmp->neighbor->nex_type || lmp->neighbor->nex_group || lmp->neighbor->nex_mol)
    lmp->error->all(
        FLERR, "neigh_modify exclude would hide neighbors from pair_style les, whose energies and "
               "charges depend on all of them; type 'neigh_modify exclude none'");
  if (lmp->neighbor->includegroup)
    lmp->error->all(
        FLERR,
        "neigh_modify include {} would hide neighbors from pair_style les, whose energies "
        "and charges depend on all of them; type 'neigh_modify include all'",
        lmp->group->names[lmp->neighbor->includegroup]);
  if (const int only = CommAccess::border_group(lmp->comm))
    lmp->error->all(
        FLERR,
        "comm_modify group {} would hide neighbors from pair_style les, whose energies and "
        "charges depend on all of them; type 'comm_modify group all'",
        lmp->group->names[only]);
}

// A cutoff that is too long for LAMMPS's neighbor lists; homogeneous surroundings are the most
// favorable ones.
void LAMMPS_NS::refuse_long_lists(LAMMPS *lmp, double cutoff)
{
  const double reach = cutoff + lmp->neighbor->skin;
  const double *const edge = lmp->domain->prd;
  const double density = static_cast<double>(lmp->atom->natoms) / (edge[0] * edge[1] * edge[2]);
  const double sphere = 4.0 / 3.0 * pair_les::PI * density;
  double expected = sphere * reach * reach * reach, images = static_cast<double>(lmp->atom->natoms);
  for (int k = 0; k < 3; k++)
    if (lmp->domain->periodicity[k]) images *= 2.0 * reach / edge[k] + 1.0;
  expected = std::min(expected, images);
  if (expected <= lmp->neighbor->oneatom) return;
  const auto room = static_cast<bigint>(1.5 * expected);
  lmp->error->all(
      FLERR,
      "pair_style les with a cutoff of {} A has about {:.0f} neighbors per atom, and LAMMPS "
      "has room for {}; type a cutoff of at most {:.3g} A, or 'neigh_modify one {} page {}'",
      cutoff, expected, lmp->neighbor->oneatom,
      std::cbrt(0.8 * lmp->neighbor->oneatom / sphere) - lmp->neighbor->skin, room, 10 * room);
}

// Before each run, when the neighbor lists are made: a later pair_coeff of pair_style hybrid may
// have given pairs to another style.
void LAMMPS_NS::refuse_taken_pairs(LAMMPS *lmp, const NeighList *list,
                                   const std::vector<int> &species_of_type)
{
  if (!list || !list->ijskip) return;
  for (int i = 1; i <= lmp->atom->ntypes; i++)
    for (int j = 1; j <= lmp->atom->ntypes; j++)
      if (species_of_type[i] >= 0 && species_of_type[j] >= 0 &&
          (list->iskip[i] || list->ijskip[i][j]))
        lmp->error->all(
            FLERR,
            "pair_style hybrid has taken pairs of types {} and {} away from pair_style les, "
            "whose energies and charges depend on all neighbors; use 'pair_style "
            "hybrid/overlay' to add another style",
            i, j);
}

void LAMMPS_NS::refuse_charge_conflicts(LAMMPS *lmp)
{
  if (lmp->force->dielectric != 1.0)
    lmp->error->all(FLERR,
                    "pair_style les cannot be scaled by dielectric {}: latent charges contain the "
                    "screening; type 'dielectric 1.0'",
                    lmp->force->dielectric);
  const auto models_with_charges = lmp->modify->get_fix_by_style("^LES/BACKWARD").size();
  if (models_with_charges > 1)
    lmp->error->all(FLERR,
                    "{} pair_style les models with charges would overwrite each other's charges; "
                    "use one, the others with long_range null",
                    models_with_charges);
  if (utils::strmatch(lmp->force->pair_style, "^hybrid/scaled"))
    lmp->error->all(
        FLERR,
        "pair_style {} would scale the energies of pair_style les but not those of kspace; "
        "type 'pair_style hybrid/overlay'",
        lmp->force->pair_style);
  refuse_styles_with_charges(lmp);
}

// Latent charges belong to this style: another one would add a second interaction of theirs,
// without the forces by which they depend on positions.
void LAMMPS_NS::refuse_styles_with_charges(LAMMPS *lmp)
{
  for (const auto *word : {"coul", "tip4p", "reaxff", "comb"})
    if (lmp->force->pair_match(word, 0, 1))
      lmp->error->all(
          FLERR,
          "{} has a style ('{}') that would use the latent charges of pair_style les a second "
          "time; use styles without charges",
          lmp->force->pair_style, word);
}

// Unfix, uncompute or plugin unload may have removed what this style needs.
void LAMMPS_NS::refuse_removed_styles(LAMMPS *lmp, const std::vector<std::string> &fixes,
                                      const std::string &compute)
{
  for (const auto &id : fixes)
    if (!lmp->modify->get_fix_by_id(id))
      lmp->error->all(
          FLERR,
          "fix {} of pair_style les has been removed; repeat the pair_coeff command, and "
          "leave out this fix where a script unfixes all",
          id);
  if (!lmp->modify->get_compute_by_id(compute))
    lmp->error->all(FLERR,
                    "compute {} of pair_style les has been removed; repeat the pair_coeff "
                    "command, and leave out this compute where a script deletes all",
                    compute);
}

int LAMMPS_NS::masses_keyword(LAMMPS *lmp, int narg, char **arg, bool &any_masses)
{
  if (strcmp(arg[0], "masses") != 0) return 0;
  const std::string choice = (narg < 2) ? "" : arg[1];
  if (choice != "check" && choice != "any")
    lmp->error->all(
        FLERR,
        "pair_style les masses is '{}' but must be check or any; type 'pair_style les masses "
        "any' for masses that are not those of the elements",
        choice);
  any_masses = choice == "any";
  return 2;
}

// At init, because masses may be set after pair_coeff; masses of atoms (rmass) go before those of
// types.
void LAMMPS_NS::refuse_wrong_masses(LAMMPS *lmp, const std::string &file,
                                    const std::vector<std::string> &species,
                                    const std::vector<int> &species_of_type)
{
  const int n = lmp->atom->ntypes;
  std::vector<double> lowest(n + 1, HUGE_VAL), highest(n + 1, -HUGE_VAL);
  if (lmp->atom->rmass_flag) {
    for (int i = 0; i < lmp->atom->nlocal; i++) {
      lowest[lmp->atom->type[i]] = std::min(lowest[lmp->atom->type[i]], lmp->atom->rmass[i]);
      highest[lmp->atom->type[i]] = std::max(highest[lmp->atom->type[i]], lmp->atom->rmass[i]);
    }
    MPI_Allreduce(MPI_IN_PLACE, lowest.data(), n + 1, MPI_DOUBLE, MPI_MIN, lmp->world);
    MPI_Allreduce(MPI_IN_PLACE, highest.data(), n + 1, MPI_DOUBLE, MPI_MAX, lmp->world);
  } else {
    for (int type = 1; type <= n; type++)
      if (lmp->atom->mass_setflag[type]) lowest[type] = highest[type] = lmp->atom->mass[type];
  }

  std::vector<pair_les::TypeMass> types;
  for (int type = 1; type <= n; type++)
    if (species_of_type[type] >= 0 && lowest[type] <= highest[type])
      types.push_back({type, species[species_of_type[type]], lowest[type], highest[type]});
  const auto found = pair_les::find_contradiction(types);
  if (found.type == 0) return;

  std::string order, known;
  for (const auto &symbol : pair_les::elements_of_masses(types, species)) order += " " + symbol;
  for (const auto &symbol : species) known += " " + symbol;
  const bool complete = !order.empty() && static_cast<int>(types.size()) == n;
  lmp->error->all(
      FLERR,
      "type {} is {} by pair_coeff of pair_style les but has mass {:.6g}, that of {}; {}, or "
      "type 'pair_style les masses any' for masses that are not those of the elements",
      found.type, species[species_of_type[found.type]], found.mass, found.other,
      complete ? fmt::format("type 'pair_coeff * * {}{}'", file, order)
               : fmt::format("correct the order of the elements (the model knows{}) or the "
                             "masses",
                             known));
}
