// SPDX-License-Identifier: GPL-2.0-only
// What the parts of pair_style les share about a step: units, and where energies and virials are
// added.

#ifndef PAIR_LES_LAMMPS_LES_TALLY_H
#define PAIR_LES_LAMMPS_LES_TALLY_H

namespace LAMMPS_NS {

// Conversion from the units of the model (eV, angstrom, e) to those of LAMMPS.
struct LESUnits {
  double energy = 1.0; // LAMMPS energy units per eV
  double charge =
      1.0; // atom->q per latent charge: makes qqrd2e of LAMMPS the constant of the model

  // V per unit of the potential of LAMMPS, which is an energy per atom->q
  double volt() const { return charge / energy; }
};

// Accumulators of LAMMPS in its units; nullptr where a quantity is not asked for.
struct LESTally {
  double *short_range = nullptr; // energy of the network
  double *coulomb = nullptr;     // energy of the charges beyond that of kspace
  double *energies = nullptr;    // [nlocal] both
  double *virial = nullptr;      // [6] xx yy zz xy xz yz
  double **virials = nullptr;    // [nlocal + nghost][6]
  double **centroids = nullptr;  // [nlocal + nghost][9]

  bool virials_of_atoms() const { return virials || centroids; }
};

} // namespace LAMMPS_NS

#endif
