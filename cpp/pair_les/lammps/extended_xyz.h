// SPDX-License-Identifier: GPL-2.0-only
// Writes frames of all processes as extended xyz: elements, ids, positions in angstrom, and columns
// of numbers.

#ifndef PAIR_LES_LAMMPS_EXTENDED_XYZ_H
#define PAIR_LES_LAMMPS_EXTENDED_XYZ_H

#include "pointers.h"

#include <functional>
#include <string>
#include <vector>

namespace LAMMPS_NS {

class ExtendedXYZ : protected Pointers {
 public:
  ExtendedXYZ(class LAMMPS *lmp) : Pointers(lmp) {}

  std::string info;                  // key=value pairs of the second line
  std::vector<std::string> columns;  // names of numbers of each atom
  std::vector<std::string> elements; // of the atom types, the first one first

  // Append the present frame, atoms in the order of their ids. `values` writes the columns of local
  // atom i to a row. Collective.
  void append(const std::string &file, const std::function<void(int i, double *row)> &values);

 private:
  std::string header() const;
  void write(const std::string &file, std::vector<double> &rows) const;
};

} // namespace LAMMPS_NS

#endif
