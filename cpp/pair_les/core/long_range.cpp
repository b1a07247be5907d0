// SPDX-License-Identifier: MIT

#include "long_range.h"

#include "constants.h"

#include <cmath>

namespace pair_les {

namespace {

constexpr double TWO_OVER_SQRT_PI = 2.0 / SQRT_PI;

// below this a*r the closed derivative of erf(a r)/r loses more digits than the series leaves out (1e-16 relative)
constexpr double SERIES_BELOW = 0.1;
constexpr int SERIES_TERMS = 6;

// erf(a r)/r and its derivative in r; erf(x)/x = 2/sqrt(pi) sum_n (-1)^n x^(2n) / (n! (2n+1))
ValueAndDerivative erf_over_r(double r, double a)
{
  const double x = a * r;
  if (x >= SERIES_BELOW) {
    const double value = std::erf(x) / r;
    return {value, (TWO_OVER_SQRT_PI * a * std::exp(-x * x) - value) / r};
  }
  double value = 0.0, slope = 0.0;
  for (int n = SERIES_TERMS; n > 0; --n) {
    const double coefficient = (n % 2 ? -1.0 : 1.0) / (std::tgamma(n + 1.0) * (2 * n + 1));
    value = value * x * x + coefficient;
    slope = slope * x * x + 2 * n * coefficient;
  }
  const double scale = TWO_OVER_SQRT_PI * a;
  return {scale * (1.0 + value * x * x), scale * a * slope * x};
}

} // namespace

double g_ewald_from_sigma(double sigma)
{
  return 1.0 / (SQRT_2 * sigma);
}

double self_energy_factor(const LongRange &settings)
{
  return settings.coulomb_constant / (settings.sigma * SQRT_2 * SQRT_PI);
}

double lowest_hardness(const LongRange &settings)
{
  return settings.self_interaction ? 0.0 : 2.0 * self_energy_factor(settings);
}

double background_energy(double total_charge, double volume, const LongRange &settings)
{
  return settings.coulomb_constant * PI * settings.sigma * settings.sigma * total_charge *
         total_charge / volume;
}

double potential_correction(double charge, double total_charge, double volume,
                            const LongRange &settings)
{
  const double background = 2.0 * settings.coulomb_constant * PI * settings.sigma * settings.sigma *
                            total_charge / volume;
  return settings.self_interaction ? background + 2.0 * self_energy_factor(settings) * charge
                                   : background;
}

double slab_energy(double charge, double z, const SlabMoments &moments, double height,
                   double volume, const LongRange &settings)
{
  const double background =
      0.5 * (moments.charge * z * z + moments.square) + moments.charge * height * height / 12.0;
  return 2.0 * PI * settings.coulomb_constant / volume * charge * (z * moments.dipole - background);
}

ValueAndDerivative smeared_coulomb(double r, double sigma, double k_e)
{
  const auto unit = erf_over_r(r, g_ewald_from_sigma(sigma));
  return {k_e * unit.value, k_e * unit.derivative};
}

ValueAndDerivative split_pair_potential(double r, double sigma, double g_ewald, double k_e)
{
  const double a = g_ewald_from_sigma(sigma);
  if (g_ewald == a) return {0.0, 0.0};
  if (std::fmin(a, g_ewald) * r < 0.5) {
    const auto wide = erf_over_r(r, g_ewald), narrow = erf_over_r(r, a);
    return {k_e * (narrow.value - wide.value), k_e * (narrow.derivative - wide.derivative)};
  }
  // far out the difference of erfc keeps its relative precision, that of erf does not
  const double value = (std::erfc(g_ewald * r) - std::erfc(a * r)) / r;
  const double gaussians =
      a * std::exp(-a * a * r * r) - g_ewald * std::exp(-g_ewald * g_ewald * r * r);
  return {k_e * value, k_e * (TWO_OVER_SQRT_PI * gaussians - value) / r};
}

double split_background_virial(double total_charge, double volume, const LongRange &settings,
                               double g_ewald)
{
  const double c = total_charge * total_charge * settings.coulomb_constant * PI *
                   (1.0 / (g_ewald * g_ewald) - 2.0 * settings.sigma * settings.sigma) / 2.0;
  return -c / volume;
}

} // namespace pair_les
