// SPDX-License-Identifier: MIT

#include "electrode_matrix.h"

#include <cmath>
#include <numeric>
#include <utility>

namespace pair_les {

namespace {

using Vector = ElectrodeMatrix::Vector;

constexpr double STIFFNESS = 100.0; // of the constraints, relative to the largest element

// Replace the lower triangle of a matrix [n * n] by its Cholesky factor. False unless it is positive definite.
bool factorize(Vector &matrix, std::size_t n)
{
  for (std::size_t i = 0; i < n; ++i) {
    double *const row = &matrix[i * n];
    for (std::size_t j = 0; j <= i; ++j) {
      const double *const other = &matrix[j * n];
      const double rest = row[j] - std::inner_product(row, row + j, other, 0.0);
      if (j < i) {
        row[j] = rest / other[j];
      } else {
        if (!(rest > 0.0)) return false;
        row[i] = std::sqrt(rest);
      }
    }
  }
  return true;
}

// A change of a fixed sum costs as much as one likes: a charged slab has no minimum without that.
void stiffen(Vector &matrix, const std::vector<int> &constraint)
{
  double largest = 0.0;
  for (const double value : matrix) largest = std::fmax(largest, std::fabs(value));
  const std::size_t n = constraint.size();
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j)
      if (constraint[i] >= 0 && constraint[i] == constraint[j])
        matrix[i * n + j] += STIFFNESS * largest;
}

void substitute(const Vector &factor, std::size_t n, Vector &values)
{
  for (std::size_t i = 0; i < n; ++i) {
    const double *const row = &factor[i * n];
    values[i] = (values[i] - std::inner_product(row, row + i, values.begin(), 0.0)) / row[i];
  }
  for (std::size_t i = n; i-- > 0;) { // L^T by the rows of L
    const double *const row = &factor[i * n];
    values[i] /= row[i];
    for (std::size_t j = 0; j < i; ++j) values[j] -= row[j] * values[i];
  }
}

} // namespace

bool ElectrodeMatrix::build(Vector matrix, const std::vector<int> &constraint,
                            std::size_t n_constraints)
{
  forget();
  const std::size_t n = constraint.size();
  if (n == 0) return false;
  stiffen(matrix, constraint);
  if (!factorize(matrix, n)) return false;
  factor_ = std::move(matrix);
  constraint_ = constraint;
  for (std::size_t k = 0; k < n_constraints; ++k) {
    Vector ones(n);
    for (std::size_t i = 0; i < n; ++i) ones[i] = constraint[i] == static_cast<int>(k) ? 1.0 : 0.0;
    substitute(factor_, n, ones);
    of_ones_.push_back(std::move(ones));
  }
  for (const auto &ones : of_ones_) {
    const Vector row = sums(ones);
    coupling_.insert(coupling_.end(), row.begin(), row.end());
  }
  n_ = n;
  if (factorize(coupling_, n_constraints)) return true;
  forget();
  return false;
}

void ElectrodeMatrix::forget()
{
  n_ = 0;
  factor_.clear();
  constraint_.clear();
  of_ones_.clear();
  coupling_.clear();
}

// Over the members of each constraint.
Vector ElectrodeMatrix::sums(const Vector &values) const
{
  Vector sums(of_ones_.size(), 0.0);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (constraint_[i] >= 0) sums[static_cast<std::size_t>(constraint_[i])] += values[i];
  return sums;
}

Vector ElectrodeMatrix::solve(Vector &residual) const
{
  substitute(factor_, n_, residual);
  Vector multipliers = sums(residual);
  substitute(coupling_, multipliers.size(), multipliers);
  for (std::size_t k = 0; k < multipliers.size(); ++k) {
    multipliers[k] = -multipliers[k];
    for (std::size_t i = 0; i < n_; ++i) residual[i] += multipliers[k] * of_ones_[k][i];
  }
  return multipliers;
}

double ElectrodeMatrix::bytes() const
{
  return static_cast<double>(sizeof(double)) *
         static_cast<double>(factor_.capacity() + of_ones_.size() * n_);
}

} // namespace pair_les
