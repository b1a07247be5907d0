// SPDX-License-Identifier: MIT
// How inaccurate the forces of a particle-mesh sum are, before any is computed.

#ifndef PAIR_LES_CORE_MESH_ERROR_H
#define PAIR_LES_CORE_MESH_ERROR_H

namespace pair_les {

// A particle-mesh sum: B-spline assignment of `order` points, differentiated in k space (ik) or by the assignment function
// (ad), as in LAMMPS's pppm.
struct ParticleMesh {
  double reciprocal
      [3][3];    // rows: reciprocal lattice vectors b_i with a_i . b_j = 2 pi delta_ij, 1/angstrom
  double volume; // of the repeated cell, angstrom^3
  int points[3];
  int order;
  bool analytic_differentiation;
  double g_ewald; // 1/angstrom
};

// This process's share of Q, angstrom^2: the sum over processes is the mean squared deviation of the force between two unit
// charges, integrated over the cell (Hockney & Eastwood 1988, chapter 8).
double mesh_error_integral(const ParticleMesh &mesh, int process, int n_processes);

// rms deviation of the force vectors of `n_charges` charges that stand at random, eV/angstrom; `charge_square` is
// k_e sum q^2, eV angstrom
double mesh_force_error(double error_integral, double charge_square, double n_charges,
                        double volume);

// The same for pairs left out beyond the cutoff of a real-space sum with Gaussians of g_ewald (Kolafa & Perram 1992)
double cutoff_force_error(double g_ewald, double cutoff, double charge_square, double n_charges,
                          double volume);

} // namespace pair_les

#endif
