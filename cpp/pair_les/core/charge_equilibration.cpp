// SPDX-License-Identifier: MIT

#include "charge_equilibration.h"

#include <cmath>
#include <numeric>

namespace pair_les {

namespace {

using Vector = ChargeEnergy::Vector;

double dot(const ChargeEnergy &energy, const Vector &a, const Vector &b)
{
  return energy.sum(std::inner_product(a.begin(), a.end(), b.begin(), 0.0));
}

double total(const ChargeEnergy &energy, const Vector &a)
{
  return energy.sum(std::accumulate(a.begin(), a.end(), 0.0));
}

// Residual and its correction, both without their component along the constraint.
class ProjectedResidual {
 public:
  ProjectedResidual(const ChargeEnergy &energy, std::size_t n) :
      energy_(energy), residual(n), correction(n), of_ones_(n)
  {
    energy.precondition(Vector(n, 1.0), of_ones_);
    sum_of_ones_ = total(energy, of_ones_);
  }

  // After every change of the residual: correction = P (residual - lambda) with a sum of 0. The residual itself loses
  // lambda as well, which is all of it in the end and would leave the rest to rounding.
  void project()
  {
    energy_.precondition(residual, correction);
    const double lambda = total(energy_, correction) / sum_of_ones_;
    for (std::size_t i = 0; i < residual.size(); ++i) {
      correction[i] -= lambda * of_ones_[i];
      residual[i] -= lambda;
    }
    multiplier += lambda;
  }

  double product() const { return dot(energy_, residual, correction); }

  double error() const
  {
    double mine = 0.0;
    for (std::size_t i = 0; i < residual.size(); ++i)
      mine = std::fmax(mine, std::fabs(residual[i]) / energy_.curvature[i]);
    return energy_.largest(mine);
  }

 private:
  const ChargeEnergy &energy_;

 public:
  Vector residual, correction; // V, e
  double multiplier = 0.0;     // V

 private:
  Vector of_ones_;
  double sum_of_ones_;
};

} // namespace

Equilibrium equilibrate(const ChargeEnergy &energy, double tolerance, int max_iterations,
                        std::vector<double> &charge)
{
  const std::size_t n = charge.size();
  const double shift = (energy.total_charge - total(energy, charge)) / energy.n_atoms;
  for (auto &q : charge) q += shift;

  Vector product(n);
  energy.potential(charge, product);
  ProjectedResidual r(energy, n);
  for (std::size_t i = 0; i < n; ++i)
    r.residual[i] = -(energy.electronegativity[i] + energy.hardness[i] * charge[i] + product[i]);
  r.project();
  Vector direction = r.correction;
  double square = r.product();

  for (int iteration = 0;; ++iteration) {
    const double error = r.error();

    if (error <= tolerance) return {Equilibrium::converged, iteration, error, -r.multiplier};
    if (iteration == max_iterations)
      return {Equilibrium::too_many_iterations, iteration, error, -r.multiplier};

    energy.potential(direction, product);
    for (std::size_t i = 0; i < n; ++i) product[i] += energy.hardness[i] * direction[i];
    const double curvature = dot(energy, direction, product);
    if (!(curvature > 0.0))
      return {Equilibrium::not_positive_definite, iteration, error, -r.multiplier};

    const double step = square / curvature;
    for (std::size_t i = 0; i < n; ++i) {
      charge[i] += step * direction[i];
      r.residual[i] -= step * product[i];
    }
    r.project();
    const double next = r.product();
    for (std::size_t i = 0; i < n; ++i)
      direction[i] = r.correction[i] + next / square * direction[i];
    square = next;
  }
}

} // namespace pair_les
