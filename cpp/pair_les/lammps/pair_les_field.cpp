/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   pair_style les: total charge and finite electric field.

   A uniform field E adds the energy U = -sqrt(eps) E . sum_i q_i R_i, R unwrapped coordinates. Like E_lr it is a
   function of charges and positions: its forces at fixed charges are sqrt(eps) q_i E, its derivative in q_i joins phi_i,
   and the one backward pass turns that into -sum_j phi_j dq_j/dr_i, the term that fix efield leaves out.
------------------------------------------------------------------------- */

#include "pair_les.h"

#include "atom.h"
#include "comm.h"
#include "domain.h"
#include "error.h"
#include "input.h"
#include "modify.h"
#include "update.h"
#include "variable.h"

#include "pair_les_model.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace LAMMPS_NS;

/* ----------------------------------------------------------------------
   keywords charge Q, efield Ex Ey Ez and eps value at the start of arg: how many words they are, else 0
------------------------------------------------------------------------- */

int PairLES::response_keyword(int narg, char **arg)
{
  if (strcmp(arg[0], "charge") == 0) {
    if (narg < 2)
      error->all(FLERR, "pair_style les keyword charge needs the total charge in e; type "
                        "'pair_style les charge 0'");
    model->total_given = true;
    model->total_wanted = utils::numeric(FLERR, arg[1], false, lmp);
    return 2;
  }
  if (strcmp(arg[0], "efield") == 0) {
    if (narg < 4)
      error->all(FLERR,
                 "pair_style les keyword efield needs three components in V/Angstrom, numbers or "
                 "equal-style variables; type 'pair_style les efield 0.0 0.0 0.01'");
    model->field.on = true;
    for (int k = 0; k < 3; k++) {
      const char *const word = arg[k + 1];
      model->field.variable[k] = utils::strmatch(word, "^v_") ? word + 2 : "";
      model->field.value[k] =
          model->field.variable[k].empty() ? utils::numeric(FLERR, word, false, lmp) : 0.0;
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
    model->field.scale = std::sqrt(eps);
    return 2;
  }
  return 0;
}

/* ----------------------------------------------------------------------
   before the first step: what cannot work
------------------------------------------------------------------------- */

void PairLES::check_response()
{
  auto &field = model->field;
  if (!model->long_range()) {
    if (field.on || model->total_given)
      error->all(FLERR,
                 "pair_style les {} needs a model with charges, but model file '{}' has none; type "
                 "'pair_style les'",
                 field.on ? "efield" : "charge", model->file);
    return;
  }
  check_charge_state();
  if (!field.on) return;

  // the energy in a field is independent of the origin of coordinates only if their sum is constant
  if (!projects_charges())
    error->all(
        FLERR,
        "pair_style les efield needs charges with a constant sum, which model file '{}' does not "
        "promise (neutralize false); add the total charge: 'pair_style les charge 0 efield ...'",
        model->file);
  for (int k = 0; k < 3; k++) {
    const char *const name = field.variable[k].c_str();
    if (field.variable[k].empty()) continue;
    const int index = input->variable->find(name);
    if (index < 0 || !input->variable->equalstyle(index))
      error->all(
          FLERR,
          "pair_style les efield: there is no equal-style variable {}; type 'variable {} equal "
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

/* ----------------------------------------------------------------------
   a network that was told the charge state in training is exported for one charge per atom: the sum of the charges
   follows from the number of atoms, and cannot be another one
------------------------------------------------------------------------- */

void PairLES::check_charge_state()
{
  const auto &state = model->metadata().charge_per_atom;
  if (!state) return;
  const double total = *state * atom->natoms;
  if (!model->total_given) {
    model->total_wanted = total;
    return;
  }
  const double given = model->total_wanted;
  if (std::fabs(given - total) > 1.0e-6 * std::max(1.0, std::fabs(total)))
    error->all(FLERR,
               "pair_style les charge {:.6g} contradicts model file '{}', which was exported for "
               "{:.6g} e per atom, {:.6g} e for {} atoms; type 'pair_style les', or export the "
               "model with 'pair-les export --charge {:.6g}'",
               given, model->file, *state, total, atom->natoms, given);
}

/* ---------------------------------------------------------------------- */

void PairLES::update_field()
{
  auto &field = model->field;
  bool any = false;
  for (const auto &name : field.variable) any = any || !name.empty();
  if (!any) return;
  modify->clearstep_compute();
  for (int k = 0; k < 3; k++)
    if (!field.variable[k].empty())
      field.value[k] =
          input->variable->compute_equal(input->variable->find(field.variable[k].c_str()));
  modify->addstep_compute(update->ntimestep + 1);
}

/* ----------------------------------------------------------------------
   -sqrt(eps) E . R_i in V: the potential of the field where atom i is, image flags included
------------------------------------------------------------------------- */

double PairLES::field_potential(int i) const
{
  const auto &field = model->field;
  if (!field.on) return 0.0;
  double unwrapped[3];
  domain->unmap(atom->x[i], atom->image[i], unwrapped);
  return -field.scale * (field.value[0] * unwrapped[0] + field.value[1] * unwrapped[1] +
                         field.value[2] * unwrapped[2]);
}

/* ----------------------------------------------------------------------
   energy, forces at fixed charges and virial of the field
------------------------------------------------------------------------- */

void PairLES::compute_field()
{
  if (!model->field.on) return;
  if (!equilibrates()) update_field();
  const double *const E = model->field.value;

  for (int i = 0; i < atom->nlocal; i++) {
    const double q = energy_unit * model->field.scale * model->solver_charge[i];
    const double force[3] = {q * E[0], q * E[1], q * E[2]};
    for (int k = 0; k < 3; k++) atom->f[i][k] += force[k];

    const double energy = energy_unit * model->solver_charge[i] * field_potential(i);
    if (eflag_global) eng_coul += energy;
    if (eflag_atom) eatom[i] += energy;
    if (!vflag_either) continue;

    // r_a F_b with a >= b, as fix efield has it: the derivative in the strains that a box of LAMMPS knows
    double r[3];
    domain->unmap(atom->x[i], atom->image[i], r);
    const double v[9] = {r[0] * force[0], r[1] * force[1], r[2] * force[2],
                         r[1] * force[0], r[2] * force[0], r[2] * force[1],
                         r[0] * force[1], r[0] * force[2], r[1] * force[2]};
    for (int k = 0; k < 6; k++) {
      if (vflag_global) virial[k] += v[k];
      if (vflag_atom) vatom[i][k] += v[k];
    }
    if (cvflag_atom)
      for (int k = 0; k < 9; k++) cvatom[i][k] += v[k];
  }
}
