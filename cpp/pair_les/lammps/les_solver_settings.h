// SPDX-License-Identifier: GPL-2.0-only
// How the kspace style is to be used: keywords coul and mesh of pair_style les, and what coul auto
// has chosen.

#ifndef PAIR_LES_LAMMPS_LES_SOLVER_SETTINGS_H
#define PAIR_LES_LAMMPS_LES_SOLVER_SETTINGS_H

namespace LAMMPS_NS {

struct LESSolverSettings {
  bool choose_mesh = true;    // order, differentiation and mesh are chosen here unless the user has
  bool split = false;         // kspace chooses g_ewald, a pair sum makes up the difference
  bool choose_cutoff = false; // that cutoff is chosen before a run, for least time
  bool chose_matched = false; // and matched mode was found to be best
  double cutoff = 0.0;        // angstrom, real-space cutoff reported to kspace

  // The Gaussian of the solver is the latent one: nothing is left to a pair sum.
  bool matched() const { return !split || (choose_cutoff && chose_matched); }

  double list_cutoff() const { return split ? cutoff : 0.0; } // angstrom, that the pair sum needs
};

} // namespace LAMMPS_NS

#endif
