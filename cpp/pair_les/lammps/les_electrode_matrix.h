// SPDX-License-Identifier: GPL-2.0-only
// The matrix of the charges of electrodes that do not move, as the long-range solver has it: one
// call of the solver for each atom, once, and from then on no iterations.

#ifndef PAIR_LES_LAMMPS_LES_ELECTRODE_MATRIX_H
#define PAIR_LES_LAMMPS_LES_ELECTRODE_MATRIX_H

#include "pointers.h"

#include "box_shape.h"
#include "core/electrode_matrix.h"

#include <functional>
#include <vector>

namespace LAMMPS_NS {

class LESElectrodeMatrix : protected Pointers {
 public:
  using Vector = std::vector<double>;
  // Potential of charges of the listed atoms, V, with hardness and self-energy. Collective.
  using Product = std::function<void(const Vector &charge, Vector &potential)>;

  LESElectrodeMatrix(class LAMMPS *lmp) : Pointers(lmp) {}

  // On each step: the electrode atoms of this process. Forgets the matrix if one of them, or the
  // box, has moved. Collective.
  void list(const std::vector<int> &atoms);

  // The solver has changed, or cannot be trusted to have the same matrix on each step.
  void forget();
  void give_up() { usable = false, matrix.forget(); }

  bool ready() const { return matrix.ready(); }

  // Whether the iterations spent on these positions have cost as much as the matrix would.
  bool is_due(int more_iterations);

  // Constraint of each listed atom, -1 for none. Returns whether there is a matrix. Collective.
  bool build(const Product &product, const std::vector<int> &constraint, int n_constraints);
  int size() const { return static_cast<int>(tags.size()); } // of all processes

  // Replace residuals of the listed atoms (V) by charges (e); returns the multipliers. Collective.
  Vector solve(Vector &residual) const;

  // e/V, the change of the sum of the charges of electrode k with their potential; `electrode` of
  // each listed atom. NaN without a matrix. Collective.
  double capacitance(const std::vector<int> &electrode, int k) const;

  void start_run() { usable = true, forget(); }
  double bytes() const { return matrix.bytes(); }

 private:
  pair_les::ElectrodeMatrix matrix;
  bool usable = true;
  std::vector<tagint> tags; // of all electrode atoms, ascending
  Vector positions;         // [n * 3] when they were listed
  BoxShape box{};
  std::vector<int> rows; // of the listed atoms
  bigint iterations = 0; // spent on these positions

  bool find_rows(const std::vector<int> &atoms);
  void remember(const std::vector<int> &atoms);
  Vector gather(const Vector &values) const;
};

} // namespace LAMMPS_NS

#endif
