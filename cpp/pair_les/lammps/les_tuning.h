// SPDX-License-Identifier: GPL-2.0-only
// The kspace style made to fit: settings chosen before LAMMPS initializes it, its mesh sized again
// when charges or box have outgrown it, refined until the error measured is the one asked for.

#ifndef PAIR_LES_LAMMPS_LES_TUNING_H
#define PAIR_LES_LAMMPS_LES_TUNING_H

#include "pointers.h"

#include "kspace_box.h"
#include "les_accuracy.h"
#include "les_gewald.h"
#include "les_mesh.h"
#include "les_solver_settings.h"

namespace LAMMPS_NS {

class LESTuning : protected Pointers {
 public:
  LESTuning(class LAMMPS *, const LESUnits &, LESSolverSettings &, LESNetwork &,
            const LESElectrodeGroups &, LESCharges &, KSpaceBox &, LESAccuracy::ReverseSum);
  ~LESTuning() override { release(); }

  // Read the keyword coul or mesh at the start of arg. Returns the number of words, 0 for another
  // keyword.
  int keyword(int narg, char **arg);
  void reset();

  // When kspace->init() asks for the cutoff, before it looks at g_ewald and at the charges: the one
  // moment at which settings can be handed over. Collective.
  void prepare();

  void init(); // before a run, after prepare() and kspace->init()

  // With the charges of the present step: size the mesh and measure its error where that is due.
  // Returns whether the solver has changed. Collective.
  bool update_solver();

  // Whether the solver is sized for the charges of a step.
  bool settled() const { return stage == SETTLED; }

 private:
  LESSolverSettings &settings;
  LESNetwork &network;
  LESCharges &charges;
  KSpaceBox &kspace_box;
  LESGewald gewald;
  LESMesh mesh;
  LESAccuracy accuracy;

  enum Stage {
    GUESSED,      // the solver is sized for whatever charges LAMMPS found at init()
    INITIALIZING, // by a call of kspace->init() from here, which must find the settings as they are
    SETTLED       // sized for the charges of a step, its error reported
  } stage = GUESSED;
  double sized_charge_square = 0.0,
         sized_volume = 0.0; // sum of q^2 and volume that it is sized for

  void release();
  bool is_new_kspace() const;
  void quiet_warnings();
  void choose_cutoff();
  bool is_outgrown() const;
  void init_kspace();
  bool refine();
  bool plan_finer();
};

} // namespace LAMMPS_NS

#endif
