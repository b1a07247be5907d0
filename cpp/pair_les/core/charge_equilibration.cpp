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

// The sums of charges that are fixed.
class Constraints {
 public:
  Constraints(const ChargeEnergy &energy, std::size_t n_charges) :
      energy_(energy), counts_(sums(Vector(n_charges, 1.0)))
  {}

  std::size_t size() const { return energy_.totals.size(); }

  // The constraint of a charge, size() for none.
  std::size_t of(std::size_t i) const
  {
    if (energy_.constraint.empty()) return 0;
    return energy_.constraint[i] < 0 ? size() : static_cast<std::size_t>(energy_.constraint[i]);
  }

  // Of each constraint, over all processes.
  Vector sums(const Vector &values) const
  {
    Vector sums(size() + 1, 0.0); // the last of what has none
    for (std::size_t i = 0; i < values.size(); ++i) sums[of(i)] += values[i];
    sums.pop_back();
    for (auto &sum : sums) sum = energy_.sum(sum);
    return sums;
  }

  // Subtract a number from the values of each constraint.
  void subtract(Vector numbers, Vector &values) const
  {
    numbers.push_back(0.0);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] -= numbers[of(i)];
  }

  // Shift charges alike so that their sums are those wanted.
  void fulfill(Vector &charge) const
  {
    Vector excess = sums(charge);
    for (std::size_t k = 0; k < size(); ++k)
      excess[k] = (excess[k] - energy_.totals[k]) / counts_[k];
    subtract(excess, charge);
  }

 private:
  const ChargeEnergy &energy_;
  const Vector counts_;
};

// Residual and its correction, both without their components along the constraints.
class ProjectedResidual {
 public:
  ProjectedResidual(const ChargeEnergy &energy, const Constraints &constraints, std::size_t n) :
      energy_(energy), constraints_(constraints), residual(n), correction(n),
      multipliers(constraints.size(), 0.0), of_ones_(n)
  {
    energy.precondition(Vector(n, 1.0), of_ones_);
    sums_of_ones_ = constraints.sums(of_ones_);
  }

  // After every change of the residual: correction = P (residual - lambda) with sums of 0. The residual itself loses
  // lambda as well, which is all of it in the end and would leave the rest to rounding.
  void project()
  {
    energy_.precondition(residual, correction);
    Vector lambda = constraints_.sums(correction);
    for (std::size_t k = 0; k < lambda.size(); ++k) {
      lambda[k] /= sums_of_ones_[k];
      multipliers[k] += lambda[k];
    }
    lambda.push_back(0.0);
    for (std::size_t i = 0; i < residual.size(); ++i) {
      const double shift = lambda[constraints_.of(i)];
      correction[i] -= shift * of_ones_[i];
      residual[i] -= shift;
    }
  }

  double product() const { return dot(energy_, residual, correction); }

  double error() const
  {
    double mine = 0.0;
    for (std::size_t i = 0; i < residual.size(); ++i)
      mine = std::fmax(mine, std::fabs(residual[i]) / energy_.curvature[i]);
    return energy_.largest(mine);
  }

  Equilibrium outcome(Equilibrium::Outcome outcome, int iterations, double error) const
  {
    Equilibrium found{outcome, iterations, error, multipliers};
    for (auto &mu : found.chemical_potential) mu = -mu;
    return found;
  }

 private:
  const ChargeEnergy &energy_;
  const Constraints &constraints_;

 public:
  Vector residual, correction; // V, e
  Vector multipliers;          // V

 private:
  Vector of_ones_, sums_of_ones_;
};

} // namespace

Equilibrium equilibrate(const ChargeEnergy &energy, double tolerance, int max_iterations,
                        std::vector<double> &charge)
{
  const std::size_t n = charge.size();
  const Constraints constraints(energy, n);
  constraints.fulfill(charge);

  Vector product(n);
  energy.potential(charge, product);
  ProjectedResidual r(energy, constraints, n);
  for (std::size_t i = 0; i < n; ++i)
    r.residual[i] = -(energy.electronegativity[i] + energy.hardness[i] * charge[i] + product[i]);
  r.project();
  Vector direction = r.correction;
  double square = r.product();

  for (int iteration = 0;; ++iteration) {
    const double error = r.error();

    if (error <= tolerance) return r.outcome(Equilibrium::converged, iteration, error);
    if (iteration == max_iterations)
      return r.outcome(Equilibrium::too_many_iterations, iteration, error);

    energy.potential(direction, product);
    for (std::size_t i = 0; i < n; ++i) product[i] += energy.hardness[i] * direction[i];
    const double curvature = dot(energy, direction, product);
    if (!(curvature > 0.0)) return r.outcome(Equilibrium::not_positive_definite, iteration, error);

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
