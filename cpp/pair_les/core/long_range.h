// SPDX-License-Identifier: MIT
// The long-range split as pure functions; mirror of python/pair_les/long_range.py, tested against it.
//
// Notation: sigma width of the latent Gaussians (angstrom), g splitting parameter of the Ewald-type
// solver (1/angstrom), k_e Coulomb constant (eV angstrom/e^2), Q total charge (e), V volume.
// Sources: Cheng 2025 (Latent Ewald summation); Kim, King, Zhong, Cheng 2024; docs/physics.md.

#ifndef PAIR_LES_CORE_LONG_RANGE_H
#define PAIR_LES_CORE_LONG_RANGE_H

namespace pair_les {

// g = 1 / (sqrt2 sigma): the solver's Gaussian equals the latent one, exp(-k^2/4g^2) = exp(-sigma^2 k^2/2).
double g_ewald_from_sigma(double sigma);

// Energy of one charge with its own Gaussian, k_e q^2 / (sigma sqrt(2 pi)), eV; its derivative in q, V.
double self_energy(double charge, double sigma, double k_e);
double self_potential(double charge, double sigma, double k_e);

// k_e pi sigma^2 Q^2 / V, eV: takes back the neutralising background that a matched solver subtracts,
// because the latent sum has no k = 0 term. Its derivative in any charge, V.
double background_energy(double total_charge, double sigma, double volume, double k_e);
double background_potential(double total_charge, double sigma, double volume, double k_e);

}    // namespace pair_les

#endif
