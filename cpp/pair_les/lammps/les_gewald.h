// SPDX-License-Identifier: GPL-2.0-only
// The splitting parameter g_ewald of the kspace style: matched to the latent Gaussians, chosen by
// the solver, or by the user.

#ifndef PAIR_LES_LAMMPS_LES_GEWALD_H
#define PAIR_LES_LAMMPS_LES_GEWALD_H

#include "pointers.h"

#include "core/long_range_plan.h"
#include "les_network.h"
#include "les_solver_settings.h"

namespace LAMMPS_NS {

class LESGewald : protected Pointers {
 public:
  LESGewald(class LAMMPS *lmp, const LESNetwork &network, const LESSolverSettings &settings) :
      Pointers(lmp), network(network), settings(settings)
  {}

  double matched() const; // that of the latent Gaussians, 1/angstrom
  bool is_matched() const;
  bool by_user() const; // set by kspace_modify gewald

  // Before kspace->init() of LAMMPS: refuse a value of the user that contradicts the model, and set
  // or release ours. Collective.
  void prepare();

  // The value for a plan of the mesh, 1/angstrom; 0 if the accuracy is met without a long range.
  double planned(const pair_les::LongRangeTask &task) const;

  void set(double g_ewald);
  void set_unless_present(double g_ewald); // an equal value that kspace has chosen itself is fixed
  void release();                // give the choice back to kspace, unless the user has made it
  void forget() { given = 0.0; } // there is a new kspace style

  // A value of the solver above the matched one needs a finer mesh than sigma does and leaves a
  // pair sum whose range is sigma, not the cutoff: matched mode is better in every respect. Returns
  // whether the matched value has been set instead.
  bool cap();
  void report_cap(double g_ewald) const;

 private:
  const LESNetwork &network;
  const LESSolverSettings &settings;
  double given = 0.0; // value that this style gave to kspace; 0: none
};

} // namespace LAMMPS_NS

#endif
