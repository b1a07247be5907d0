// SPDX-License-Identifier: GPL-2.0-only

#include "les_field.h"

#include "atom.h"
#include "comm.h"
#include "domain.h"
#include "error.h"
#include "input.h"
#include "modify.h"
#include "update.h"
#include "variable.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace LAMMPS_NS;

int LESField::keyword(int narg, char **arg)
{
  if (strcmp(arg[0], "efield") == 0) {
    if (narg < 4)
      error->all(FLERR,
                 "pair_style les keyword efield needs three components in V/Angstrom, numbers or "
                 "equal-style variables; type 'pair_style les efield 0.0 0.0 0.01'");
    field.on = true;
    for (int k = 0; k < 3; k++) {
      const char *const word = arg[k + 1];
      field.variable[k] = utils::strmatch(word, "^v_") ? word + 2 : "";
      field.value[k] = field.variable[k].empty() ? utils::numeric(FLERR, word, false, lmp) : 0.0;
    }
    return 4;
  }
  if (strcmp(arg[0], "eps") == 0) {
    const double eps = (narg < 2) ? 0.0 : utils::numeric(FLERR, arg[1], false, lmp);
    if (!(eps >= 1.0))
      error->all(
          FLERR,
          "pair_style les eps is {} but must be >= 1, the electronic permittivity; type 'eps 1.78' "
          "for water",
          eps);
    field.scale = std::sqrt(eps);
    return 2;
  }
  return 0;
}

void LESField::init(const LESNetwork &network, const LESCharges &charges, bool neutral)
{
  if (!field.on) return;
  if (!network.long_range())
    error->all(
        FLERR,
        "pair_style les efield needs a model with charges, but model file '{}' has none; type "
        "'pair_style les'",
        network.file());

  // the energy in a field is independent of the origin of coordinates only if the sum of the
  // charges is constant
  if (!charges.projects() && !neutral)
    error->all(
        FLERR,
        "pair_style les efield needs charges with a constant sum, which model file '{}' does not "
        "promise (neutralize false); add the total charge: 'pair_style les charge 0 efield ...'",
        network.file());
  for (int k = 0; k < 3; k++) {
    const char *const name = field.variable[k].c_str();
    if (field.variable[k].empty()) continue;
    const int index = input->variable->find(name);
    if (index < 0 || !input->variable->equalstyle(index))
      error->all(FLERR,
                 "pair_style les efield: there is no equal-style variable {}; type "
                 "'variable {} equal "
                 "...' before the run",
                 name, name);
  }

  bool along_period = false;
  for (int k = 0; k < 3; k++)
    along_period = along_period || (domain->periodicity[k] &&
                                    (field.value[k] != 0.0 || !field.variable[k].empty()));
  if (along_period && comm->me == 0)
    utils::logmesg(
        lmp,
        "pair_style les: along periodic directions the field acts on unwrapped coordinates: image "
        "flags should keep atoms together that exchange charge\n");
}

void LESField::evaluate()
{
  if (std::all_of(field.variable, field.variable + 3,
                  [](const std::string &name) { return name.empty(); }))
    return;
  modify->clearstep_compute();
  for (int k = 0; k < 3; k++)
    if (!field.variable[k].empty())
      field.value[k] =
          input->variable->compute_equal(input->variable->find(field.variable[k].c_str()));
  modify->addstep_compute(update->ntimestep + 1);
}

double LESField::potential(int i) const
{
  if (!field.on) return 0.0;
  double unwrapped[3];
  domain->unmap(atom->x[i], atom->image[i], unwrapped);
  return -field.scale * (field.value[0] * unwrapped[0] + field.value[1] * unwrapped[1] +
                         field.value[2] * unwrapped[2]);
}

void LESField::compute(LESCharges &charges, const LESTally &tally)
{
  if (!field.on) return;
  charges.sync_to_host();
  const auto &charge = charges.values();
  for (int i = 0; i < atom->nlocal; i++) {
    const double q = units.energy * field.scale * charge[i];
    const double force[3] = {q * field.value[0], q * field.value[1], q * field.value[2]};
    for (int k = 0; k < 3; k++) atom->f[i][k] += force[k];

    const double energy = units.energy * charge[i] * potential(i);
    if (tally.coulomb) *tally.coulomb += energy;
    if (tally.energies) tally.energies[i] += energy;
    if (!tally.virial && !tally.virials_of_atoms()) continue;

    // r_a F_b with a >= b, as fix efield has it: the derivative in the strains that a box of LAMMPS
    // knows
    double r[3];
    domain->unmap(atom->x[i], atom->image[i], r);
    const double v[9] = {r[0] * force[0], r[1] * force[1], r[2] * force[2],
                         r[1] * force[0], r[2] * force[0], r[2] * force[1],
                         r[0] * force[1], r[0] * force[2], r[1] * force[2]};
    for (int k = 0; k < 6; k++) {
      if (tally.virial) tally.virial[k] += v[k];
      if (tally.virials) tally.virials[i][k] += v[k];
    }
    if (tally.centroids)
      for (int k = 0; k < 9; k++) tally.centroids[i][k] += v[k];
  }
}
