// SPDX-License-Identifier: MIT
// Whether masses of atom types fit the elements that a user gives to these types: a guard against a wrong order of elements.

#ifndef PAIR_LES_CORE_ATOMIC_MASSES_H
#define PAIR_LES_CORE_ATOMIC_MASSES_H

#include <string>
#include <vector>

namespace pair_les {

// Standard atomic weight in g/mol; 0 for a name that is no chemical symbol.
double atomic_mass(const std::string &symbol);

// An atom type, its element by name, and the range of the masses of its atoms in g/mol.
struct TypeMass {
  int type;
  std::string element;
  double lowest, highest;
};

// A type whose mass is that of another element.
struct MassContradiction {
  int type = 0; // 0: none
  double mass = 0.0;
  std::string other; // the element of this mass
};

// The first type whose mass contradicts its element. A mass does so where it is within 0.5 % of the standard atomic weight of
// another element and not of its own. Nothing is contradicted by a mass that no element has (fictitious masses), by
//   - hydrogen from 0.99 to 4.05 g/mol: deuterium, tritium, repartitioned masses;
//   - a heavy atom whose mass has been reduced by what one to four hydrogens of this model have beyond 1.008;
//   - equal masses of all types, of at least two elements: such masses are placeholders.
// Of two elements that are closer than 0.5 % (Co and Ni) the mass means the nearer one, where both are among the types.
MassContradiction find_contradiction(const std::vector<TypeMass> &types);

// The elements among `species` that the masses mean, in the order of the types; empty if one of them means none.
std::vector<std::string> elements_of_masses(const std::vector<TypeMass> &types,
                                            const std::vector<std::string> &species);

} // namespace pair_les

#endif
