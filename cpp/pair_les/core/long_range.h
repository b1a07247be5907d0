// SPDX-License-Identifier: MIT
// The long-range split as pure functions; the twin of python/pair_les/long_range/split.py, tested against it.
//
//   E_lr = elong(g) + background_energy + [self_interaction] self energy + 1/2 sum_{i != j} q_i q_j D(r_ij)
//   D(r) = k_e [erf(r / (sqrt2 sigma)) - erf(g r)] / r        (0 in matched mode, g = 1 / (sqrt2 sigma))
//
// elong(g) is the energy of a LAMMPS Ewald-type solver with splitting parameter g, Q = sum q, V the cell volume.
// Units eV, angstrom, e. Sources: Cheng 2025 (Latent Ewald summation); Kim, King, Zhong, Cheng 2024; docs/theory/long_range.md.

#ifndef PAIR_LES_CORE_LONG_RANGE_H
#define PAIR_LES_CORE_LONG_RANGE_H

#include "metadata.h"

namespace pair_les {

struct ValueAndDerivative {
  double value, derivative;
};

// g = 1 / (sqrt2 sigma), 1/angstrom: the solver's Gaussian equals the latent one, exp(-k^2/4g^2) = exp(-sigma^2 k^2/2)
double g_ewald_from_sigma(double sigma);

// k_e / (sigma sqrt(2 pi)), eV/e^2: energy of one unit Gaussian with itself
double self_energy_factor(const LongRange &settings);

// eV/e^2, what every hardness of charge equilibration must exceed so that the energy is a positive definite form of the
// charges in any configuration: the Gaussians' interaction with themselves where it is not part of the energy, else 0
double lowest_hardness(const LongRange &settings);

// k_e pi sigma^2 Q^2 / V, eV, added to elong at every g: LAMMPS adds the energy of a neutralizing background, the
// model has no k = 0 term at all
double background_energy(double total_charge, double volume, const LongRange &settings);

// 2 k_e pi sigma^2 Q / V [+ 2 k_e q / (sigma sqrt(2 pi)) with self], V: added to LAMMPS's 2 e_i / q_i;
// the derivative of background_energy and, where kept, of the self energy in one charge
double potential_correction(double charge, double total_charge, double volume,
                            const LongRange &settings);

// sum q, sum q z (e angstrom) and sum q z^2 (e angstrom^2) of all charges of a slab
struct SlabMoments {
  double charge, dipole, square;
};

// 2 pi k_e q [z M_1 - (M_0 z^2 + M_2) / 2 - M_0 h^2 / 12] / V, eV: the share of one charge of the slab correction, in a
// cell of height h with its empty space; it goes as the inverse area
double slab_energy(double charge, double z, const SlabMoments &moments, double height,
                   double volume, const LongRange &settings);

// k_e erf(r / (sqrt2 sigma)) / r and its derivative in r: two unit Gaussians, eV/e^2; finite at r = 0
ValueAndDerivative smeared_coulomb(double r, double sigma, double k_e);

// D(r) and dD/dr, eV/e^2: what a solver with splitting parameter g leaves to a pair sum; vanishes like erfc(g r)/r
ValueAndDerivative split_pair_potential(double r, double sigma, double g_ewald, double k_e);

// -C/V with C = Q^2 k_e pi (1/g^2 - 2 sigma^2) / 2, eV, added to each of virial xx, yy, zz: the k = 0 part of D, which
// the pair sum contains and the model does not
double split_background_virial(double total_charge, double volume, const LongRange &settings,
                               double g_ewald);

} // namespace pair_les

#endif
