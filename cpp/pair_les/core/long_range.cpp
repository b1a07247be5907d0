// SPDX-License-Identifier: MIT

#include "long_range.h"

#include "constants.h"

#include <cmath>

namespace pair_les {

double g_ewald_from_sigma(double sigma)
{
  return 1.0 / (SQRT_2 * sigma);
}

double self_energy(double charge, double sigma, double k_e)
{
  return k_e * charge * charge / (sigma * SQRT_2 * SQRT_PI);
}

double self_potential(double charge, double sigma, double k_e)
{
  return 2.0 * k_e * charge / (sigma * SQRT_2 * SQRT_PI);
}

double background_energy(double total_charge, double sigma, double volume, double k_e)
{
  return k_e * PI * sigma * sigma * total_charge * total_charge / volume;
}

double background_potential(double total_charge, double sigma, double volume, double k_e)
{
  return 2.0 * k_e * PI * sigma * sigma * total_charge / volume;
}

}    // namespace pair_les
