/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   Found by looking at every caller of pair->compute, kspace->compute and pair->single in LAMMPS
   outside of its integrators, and at what sets or reads charges. A style that is not in this table
   has been found to be right, or ends in an error of its own.
------------------------------------------------------------------------- */

#include "refused_commands.h"

#include "compute.h"
#include "error.h"
#include "fix.h"
#include "modify.h"

#include <string>

using namespace LAMMPS_NS;

namespace {

struct Refused {
  const char *style;   // pattern
  Conflict conflict;   // what it does not go together with
  const char *because; // and what to type instead
};

constexpr const char *HIDES = "hides atoms from pair_style les instead of deleting them, and their "
                              "energies and charges would "
                              "stay; use 'fix deposit', 'fix evaporate' or another pair style";
constexpr const char *SETS_CHARGES =
    "sets charges, which the model of pair_style les gives; remove this command";
constexpr const char *NEEDS_PAIRS =
    "needs energies of pairs, but those of pair_style les belong to atoms; type 'compute pe/atom', "
    "'compute stress/atom' or 'compute centroid/stress/atom'";
constexpr const char *STRAINS_ATOMS_ONLY =
    "strains the atoms but not the box, which the long-range energy of kspace depends on; type "
    "'change_box all x scale 1.001 remap' and 'run 0' for each strain and look at 'compute "
    "pressure'";

const Refused FIXES[] = {
    {"^gcmc$", Conflict::MODEL, HIDES},
    {"^widom$", Conflict::MODEL, HIDES},
    {"^gemc$", Conflict::MODEL, HIDES},
    {"^charge/regulation$", Conflict::MODEL, HIDES},
    {"^efield", Conflict::CHARGES,
     "lacks the forces by which latent charges depend on positions; type 'pair_style les efield "
     "0.0 "
     "0.0 0.01' for a field in V/A"},
    {"^qeq/", Conflict::CHARGES, SETS_CHARGES},
    {"^acks2/", Conflict::CHARGES, SETS_CHARGES},
    {"^qtpie/", Conflict::CHARGES, SETS_CHARGES},
    {"^electrode/", Conflict::CHARGES,
     "sets charges of electrodes without the forces by which latent charges respond to them; type "
     "'pair_style les electrode left 1.0 electrode right 0.0'"},
    {"^polarize/", Conflict::CHARGES, SETS_CHARGES},
    {"^mdi/qmmm$", Conflict::CHARGES, SETS_CHARGES},
    {"^tune/kspace$", Conflict::CHARGES,
     "changes solver and cutoff in the middle of a run; type 'pair_style les coul auto'"},
    {"^numdiff/virial$", Conflict::KSPACE, STRAINS_ATOMS_ONLY},
    {"^numdiff/stress$", Conflict::KSPACE, STRAINS_ATOMS_ONLY},
};

const Refused COMPUTES[] = {
    {"/tally$", Conflict::MODEL, NEEDS_PAIRS},
    {"^group/group$", Conflict::MODEL, NEEDS_PAIRS},
    {"^fep$", Conflict::CHARGES,
     "perturbs charges or parameters, which the model of pair_style les does not take from LAMMPS; "
     "type 'rerun' with two model files and compare their energies"},
    {"^born/matrix$", Conflict::KSPACE, STRAINS_ATOMS_ONLY},
};

template <std::size_t N>
void refuse(LAMMPS *lmp, const char *kind, const char *style, const Refused (&table)[N],
            Conflict has)
{
  for (const auto &refused : table)
    if (refused.conflict <= has && utils::strmatch(style, refused.style))
      lmp->error->all(FLERR, "{} {} {}", kind, style, refused.because);
}

} // namespace

void LAMMPS_NS::refuse_commands(LAMMPS *lmp, Conflict has)
{
  for (const auto *fix : lmp->modify->get_fix_list()) refuse(lmp, "fix", fix->style, FIXES, has);
  for (const auto *compute : lmp->modify->get_compute_list())
    refuse(lmp, "compute", compute->style, COMPUTES, has);
}
