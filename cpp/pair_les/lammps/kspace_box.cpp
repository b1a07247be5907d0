/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   A kspace style depends on the box through its setup(). Some fixes move the box without calling it
   (fix pimd/langevin), others change the tilt factors after they have called it (box flips of fix
   npt and fix deform).
------------------------------------------------------------------------- */

#include "kspace_box.h"

#include "domain.h"
#include "fix.h"
#include "force.h"
#include "kspace.h"
#include "modify.h"

#include <algorithm>
#include <cstring>
#include <iterator>

using namespace LAMMPS_NS;

// how the names of the fixes begin that call kspace->setup() whenever they move the box. A second
// call would cost a few percent of a step; with any other fix the box is compared.
static const char *const CALL_SETUP[] = {
    "npt",  "nph",  "rigid/npt", "rigid/nph", "tgnpt/drude", "tgnph/drude", "press/berendsen",
    "bocs", "msst", "qbmsst",    "ipi",       "deform",      "box/relax",   "press/langevin"};

void KSpaceBox::remember()
{
  shape = box_shape(domain);
  known = true;
}

void KSpaceBox::remember_moves_of_fixes()
{
  if (!known) return;
  bool moved = false;
  for (const auto *fix : modify->get_fix_list()) {
    if (!fix->box_change) continue;
    const auto begins = [&](const char *name) { return !strncmp(fix->style, name, strlen(name)); };
    if (std::none_of(std::begin(CALL_SETUP), std::end(CALL_SETUP), begins)) return;
    moved = true;
  }
  if (moved) remember();
}

void KSpaceBox::set_up()
{
  if (known && shape == box_shape(domain)) return;
  force->kspace->setup();
  remember();
}
