// SPDX-License-Identifier: GPL-2.0-only
// The error of the long-range sum for the charges at hand, measured against an exact sum
// (kspace_probe.h), and the line of the log that reports it.

#ifndef PAIR_LES_LAMMPS_LES_ACCURACY_H
#define PAIR_LES_LAMMPS_LES_ACCURACY_H

#include "pointers.h"

#include "kspace_probe.h"
#include "les_charges.h"
#include "les_gewald.h"
#include "les_mesh.h"
#include "les_network.h"

#include <functional>
#include <string>
#include <vector>

namespace LAMMPS_NS {

class LESAccuracy : protected Pointers {
 public:
  // Adds the rows of ghosts to those of the atoms they are images of, of an array with three
  // columns.
  using ReverseSum = std::function<void(double **)>;

  LESAccuracy(class LAMMPS *, const LESUnits &, const LESSolverSettings &, LESNetwork &,
              const LESCharges &, const LESGewald &, const LESMesh &, ReverseSum);

  // Whether kspace leaves its results where they can be compared. What has been measured before
  // does not count any more.
  bool can_measure();

  // Errors of the solver as it is. Collective.
  void measure(KSpaceProbe &probe);

  // How many times the error asked for: forces and energies, of everything, of the mesh, of the
  // cutoff of split mode.
  double ratio() const { return ratio(all); }
  double mesh_ratio() const { return ratio(mesh); }
  double cutoff_ratio() const { return ratio(cutoff); }

  // How far an error may exceed what was asked for before anything is done about it: the formulas
  // for charges at random positions, by which a mesh is planned first, are as good as that in a
  // liquid.
  static constexpr double TOLERATED = 1.35;

  // One line of the log, and a warning if the error is not tolerated. Collective.
  void report() const;

 private:
  const LESUnits &units;
  const LESSolverSettings &settings;
  LESNetwork &network;
  const LESCharges &charges;
  const LESGewald &gewald;
  const LESMesh &solver_mesh;
  const ReverseSum add_from_ghosts;

  struct Error {
    double force = 0.0, energy = 0.0; // rms over atoms, per atom; in units of LAMMPS
  };
  bool measured = false;
  Error all, mesh, cutoff;
  double n_atoms = 0.0; // compared

  double ratio(const Error &error) const;
  std::vector<double> forces_of(const KSpaceProbe &, const std::vector<double> &errors);
  std::vector<double> potential_of(const KSpaceProbe &, const std::vector<double> &errors) const;
  std::string describe_solver() const;
  void warn(const char *energy_unit) const;
  double error_of_random_charges() const;
};

} // namespace LAMMPS_NS

#endif
