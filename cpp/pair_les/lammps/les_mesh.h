// SPDX-License-Identifier: GPL-2.0-only
// What the kspace style sums over: order, differentiation and points of the mesh of pppm,
// reciprocal vectors of ewald. What the user has set stays.

#ifndef PAIR_LES_LAMMPS_LES_MESH_H
#define PAIR_LES_LAMMPS_LES_MESH_H

#include "pointers.h"

#include "core/long_range_plan.h"
#include "les_electrode_groups.h"
#include "les_gewald.h"
#include "les_network.h"
#include "les_solver_settings.h"

#include <array>
#include <vector>

namespace LAMMPS_NS {

class LESMesh : protected Pointers {
 public:
  LESMesh(class LAMMPS *lmp, const LESNetwork &network, const LESElectrodeGroups &electrodes,
          const LESSolverSettings &settings, LESGewald &gewald) :
      Pointers(lmp), network(network), electrodes(electrodes), settings(settings), gewald(gewald)
  {}

  // Before kspace->init() of LAMMPS: choose order and differentiation, unless the user has.
  void choose();
  bool chosen() const { return order > 0; }

  // Plan points or vectors, the order and g_ewald for charges with this sum of q^2 (atom->q
  // squared). Collective.
  void plan(double charge_square);

  // The same for an accuracy that is higher by these factors where they are above 1. Returns
  // whether it differs. Collective.
  bool plan_finer(double mesh_factor, double cutoff_factor, double charge_square);

  // Plans are for charges at random positions again.
  void reset_scales() { mesh_scale = cutoff_scale = 1.0; }

  // What the core needs to plan the long-range sum. An electrode atom counts as a unit charge more:
  // its potential has to be accurate however small its charge is. Collective.
  pair_les::LongRangeTask task(double charge_square) const;

  void release(); // back to LAMMPS's values, unless the user has changed them since
  void forget();  // there is a new kspace style

 private:
  using Numbers = std::array<int, 3>;

  const LESNetwork &network;
  const LESElectrodeGroups &electrodes;
  const LESSolverSettings &settings;
  LESGewald &gewald;
  int order = 0, differentiation = 0;          // chosen here; order 0: they are not
  Numbers points{};                            // of the mesh; zeros: kspace finds them
  Numbers vectors{};                           // along each axis, given to ewald; zeros: none
  double mesh_scale = 1.0, cutoff_scale = 1.0; // as in LongRangeTask

  bool refined() const { return mesh_scale > 1.0 || cutoff_scale > 1.0; }
  bool plans_points() const;
  void plan_points(double charge_square);
  bool has_points() const;
  void set_points(const Numbers &numbers);
  void release_points();
  void plan_vectors(double charge_square);
  void set_vectors(const Numbers &numbers);
  void release_vectors();
  std::vector<double> present() const;
};

} // namespace LAMMPS_NS

#endif
