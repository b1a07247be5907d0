// SPDX-License-Identifier: GPL-2.0-only

#include "les_electrode_groups.h"

#include "atom.h"
#include "error.h"
#include "group.h"
#include "input.h"
#include "modify.h"
#include "update.h"
#include "variable.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace LAMMPS_NS;

int LESElectrodeGroups::keyword(int narg, char **arg)
{
  if (strcmp(arg[0], "electrode") == 0) return electrode_keyword(narg, arg);
  if (strcmp(arg[0], "neutral") != 0) return 0;
  const std::string choice = (narg < 2) ? "" : arg[1];
  if (choice != "yes" && choice != "no")
    error->all(FLERR,
               "pair_style les neutral is '{}' but must be yes or no, whether the electrodes make "
               "the cell neutral; type 'pair_style les electrode left 1.0 electrode right 0.0 "
               "neutral yes'",
               choice);
  neutral = choice == "yes";
  return 2;
}

int LESElectrodeGroups::electrode_keyword(int narg, char **arg)
{
  const char *const example = "type 'electrode left 1.0', 'electrode left v_bias' or 'electrode "
                              "left charge 2.0'";
  if (narg < 3)
    error->all(FLERR,
               "pair_style les keyword electrode needs a group and a potential in V, or the word "
               "charge and a charge in e; {}",
               example);
  LESElectrode electrode{arg[1], strcmp(arg[2], "charge") == 0, "", 0.0, 0.0};
  int words = electrode.given_charge ? 4 : 3;
  if (narg < words)
    error->all(FLERR, "pair_style les keyword electrode {} charge needs a charge in e; {}", arg[1],
               example);
  const std::string word = arg[words - 1];
  if (utils::strmatch(word, "^v_"))
    electrode.variable = word.substr(2);
  else if (utils::is_double(word))
    electrode.value = std::stod(word);
  else
    error->all(FLERR,
               "pair_style les electrode {} has '{}' where a potential in V is wanted, a number or "
               "an equal-style variable v_name; {}",
               arg[1], word, example);
  if (narg > words && strcmp(arg[words], "hardness") == 0) {
    const std::string hardness = (narg > words + 1) ? arg[words + 1] : "";
    electrode.hardness = utils::is_double(hardness) ? std::stod(hardness) : -1.0;
    if (!(electrode.hardness >= 0.0))
      error->all(FLERR,
                 "pair_style les electrode {} hardness is '{}' but must be a number >= 0 in "
                 "eV/e^2; type 'electrode {} {} hardness 2.0'",
                 arg[1], hardness, arg[1], word);
    words += 2;
  }
  groups.push_back(electrode);
  return words;
}

void LESElectrodeGroups::reset()
{
  groups.clear();
  neutral = true;
  count = 0.0;
}

// Groups may be defined after the pair style.
void LESElectrodeGroups::init()
{
  count = 0.0;
  for (auto &electrode : groups) {
    const char *const name = electrode.group.c_str();
    const int index = group->find(name);
    if (index < 0)
      error->all(FLERR,
                 "pair_style les electrode: there is no group {}; type 'group {} ...' before the "
                 "run",
                 name, name);
    if (group->dynamic[index])
      error->all(FLERR,
                 "pair_style les electrode {}: its atoms change during a run; type 'group {} "
                 "static'",
                 name, name);
    electrode.bit = group->bitmask[index];
    const bigint atoms = group->count(index);
    if (atoms == 0)
      error->all(FLERR, "pair_style les electrode {}: the group has no atoms; type 'group {} ...'",
                 name, name);
    count += static_cast<double>(atoms);
    const char *const variable = electrode.variable.c_str();
    if (electrode.variable.empty()) continue;
    const int found = input->variable->find(variable);
    if (found < 0 || !input->variable->equalstyle(found))
      error->all(FLERR,
                 "pair_style les electrode {}: there is no equal-style variable {}; type 'variable "
                 "{} equal ...' before the run",
                 name, variable, variable);
  }

  int shared[2] = {-1, -1}, found[2]; // two electrodes of one atom
  for (int i = 0; i < atom->nlocal; i++)
    for (int a = 0, first = -1; a < size(); a++) {
      if (!(atom->mask[i] & groups[a].bit)) continue;
      if (first >= 0) {
        shared[0] = first;
        shared[1] = a;
      }
      first = a;
    }
  MPI_Allreduce(shared, found, 2, MPI_INT, MPI_MAX, world);
  if (found[0] >= 0)
    error->all(FLERR,
               "pair_style les electrode: groups {} and {} have atoms in common, which have one "
               "charge each; type 'group {} subtract {} {}'",
               groups[found[0]].group, groups[found[1]].group, groups[found[1]].group,
               groups[found[1]].group, groups[found[0]].group);
}

void LESElectrodeGroups::evaluate()
{
  if (std::all_of(groups.begin(), groups.end(),
                  [](const LESElectrode &electrode) { return electrode.variable.empty(); }))
    return;
  modify->clearstep_compute();
  for (auto &electrode : groups) {
    if (electrode.variable.empty()) continue;
    electrode.value =
        input->variable->compute_equal(input->variable->find(electrode.variable.c_str()));
    if (!std::isfinite(electrode.value))
      error->all(FLERR,
                 "pair_style les electrode {}: variable {} is {} at step {}; it must be a "
                 "finite number",
                 electrode.group, electrode.variable, electrode.value, update->ntimestep);
  }
  modify->addstep_compute(update->ntimestep + 1);
}

int LESElectrodeGroups::of_atom(int i) const
{
  for (int k = 0; k < size(); k++)
    if (atom->mask[i] & groups[k].bit) return k;
  return -1;
}

int LESElectrodeGroups::n_given() const
{
  return static_cast<int>(
      std::count_if(groups.begin(), groups.end(),
                    [](const LESElectrode &electrode) { return electrode.given_charge; }));
}

int LESElectrodeGroups::constraint_of(int k) const
{
  if (!groups[k].given_charge) return neutral ? n_given() : -1;
  return static_cast<int>(
      std::count_if(groups.begin(), groups.begin() + k,
                    [](const LESElectrode &electrode) { return electrode.given_charge; }));
}

double LESElectrodeGroups::given_charge() const
{
  double sum = 0.0;
  for (const auto &electrode : groups)
    if (electrode.given_charge) sum += electrode.value;
  return sum;
}
