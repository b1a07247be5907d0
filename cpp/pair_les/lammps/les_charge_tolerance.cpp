// SPDX-License-Identifier: GPL-2.0-only

#include "les_charge_tolerance.h"

#include "error.h"

#include <cstring>

using namespace LAMMPS_NS;

int LESChargeTolerance::keyword(int narg, char **arg)
{
  if (strcmp(arg[0], "qtol") == 0) {
    const double value = (narg < 2) ? 0.0 : utils::numeric(FLERR, arg[1], false, lmp);
    if (!(value > 0.0))
      error->all(
          FLERR,
          "pair_style les qtol is {} but must be > 0, the error of an equilibrated charge in "
          "e; type 'qtol 1e-6'",
          value);
    settings.charge = value;
    settings.given = true;
    return 2;
  }
  if (strcmp(arg[0], "qiter") != 0) return 0;
  const int value = (narg < 2) ? 0 : utils::inumeric(FLERR, arg[1], false, lmp);
  if (value < 1)
    error->all(FLERR,
               "pair_style les qiter is {} but must be > 0, the most iterations of one charge "
               "equilibration; type 'qiter 100'",
               value);
  settings.max_iterations = value;
  settings.given = true;
  return 2;
}
