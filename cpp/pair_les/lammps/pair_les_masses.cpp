/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   pair_style les: masses that contradict the elements of pair_coeff, the sign of elements in a wrong order.
   Forces do not depend on masses: nothing else would tell.
------------------------------------------------------------------------- */

#include "pair_les.h"

#include "atom.h"
#include "error.h"
#include "utils.h"

#include "core/atomic_masses.h"
#include "pair_les_model.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace LAMMPS_NS;

/* ----------------------------------------------------------------------
   number of words taken; 0 for another keyword
------------------------------------------------------------------------- */

int PairLES::mass_keyword(int narg, char **arg)
{
  if (strcmp(arg[0], "masses") != 0) return 0;
  const std::string choice = (narg < 2) ? "" : arg[1];
  if (choice != "check" && choice != "any")
    error->all(
        FLERR,
        "pair_style les masses is '{}' but must be check or any; type 'pair_style les masses "
        "any' for masses that are not those of the elements",
        choice);
  model->any_masses = choice == "any";
  return 2;
}

/* ----------------------------------------------------------------------
   at init, because masses may be set after pair_coeff; masses of atoms (rmass) go before those of types
------------------------------------------------------------------------- */

void PairLES::check_masses()
{
  if (model->any_masses || !model->evaluator) return;
  const int n = atom->ntypes;
  std::vector<double> lowest(n + 1, HUGE_VAL), highest(n + 1, -HUGE_VAL);
  if (atom->rmass_flag) {
    for (int i = 0; i < atom->nlocal; i++) {
      lowest[atom->type[i]] = std::min(lowest[atom->type[i]], atom->rmass[i]);
      highest[atom->type[i]] = std::max(highest[atom->type[i]], atom->rmass[i]);
    }
    MPI_Allreduce(MPI_IN_PLACE, lowest.data(), n + 1, MPI_DOUBLE, MPI_MIN, world);
    MPI_Allreduce(MPI_IN_PLACE, highest.data(), n + 1, MPI_DOUBLE, MPI_MAX, world);
  } else {
    for (int type = 1; type <= n; type++)
      if (atom->mass_setflag[type]) lowest[type] = highest[type] = atom->mass[type];
  }

  const auto &species = model->metadata().species;
  std::vector<pair_les::TypeMass> types;
  for (int type = 1; type <= n; type++)
    if (model->species_of_type[type] >= 0 && lowest[type] <= highest[type])
      types.push_back({type, species[model->species_of_type[type]], lowest[type], highest[type]});
  const auto found = pair_les::find_contradiction(types);
  if (found.type == 0) return;

  std::string order, known;
  for (const auto &symbol : pair_les::elements_of_masses(types, species)) order += " " + symbol;
  for (const auto &symbol : species) known += " " + symbol;
  const bool complete = !order.empty() && static_cast<int>(types.size()) == n;
  error->all(
      FLERR,
      "type {} is {} by pair_coeff of pair_style les but has mass {:.6g}, that of {}; {}, or "
      "type 'pair_style les masses any' for masses that are not those of the elements",
      found.type, species[model->species_of_type[found.type]], found.mass, found.other,
      complete ? fmt::format("type 'pair_coeff * * {}{}'", model->file, order)
               : fmt::format("correct the order of the elements (the model knows{}) or the "
                             "masses",
                             known));
}
