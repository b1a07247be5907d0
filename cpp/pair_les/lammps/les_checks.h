// SPDX-License-Identifier: GPL-2.0-only
// What the rest of an input must not do. Every function ends the run before its first step, on
// every process and in one line that says what to type instead, or returns.

#ifndef PAIR_LES_LAMMPS_LES_CHECKS_H
#define PAIR_LES_LAMMPS_LES_CHECKS_H

#include <string>
#include <vector>

namespace LAMMPS_NS {

class LAMMPS;
class NeighList;
class Pair;

// Units, newton, run_style, pair_modify compute.
void refuse_settings(LAMMPS *lmp, const Pair *pair);

// Commands that hide neighbors: energies and charges depend on all of them.
void refuse_hidden_neighbors(LAMMPS *lmp);

// A cutoff (angstrom) that is too long for the neighbor lists of LAMMPS.
void refuse_long_lists(LAMMPS *lmp, double cutoff);

// Pairs that pair_style hybrid has given to another style. species_of_type [ntypes + 1], -1 for
// NULL.
void refuse_taken_pairs(LAMMPS *lmp, const NeighList *list,
                        const std::vector<int> &species_of_type);

// What does not go together with charges of a model: dielectric, two models, hybrid/scaled, styles
// with charges.
void refuse_charge_conflicts(LAMMPS *lmp);

// Styles that would use the latent charges a second time.
void refuse_styles_with_charges(LAMMPS *lmp);

// unfix and uncompute of the internal fixes and of the internal compute.
void refuse_removed_styles(LAMMPS *lmp, const std::vector<std::string> &fixes,
                           const std::string &compute);

// Read the keyword masses at the start of arg, whether any are accepted. Returns the number of words,
// 0 for another keyword.
int masses_keyword(LAMMPS *lmp, int narg, char **arg, bool &any_masses);

// Masses that contradict the elements of pair_coeff, the sign of elements in a wrong order: nothing
// else would tell, because forces do not depend on masses. `species` are the symbols that model
// file `file` knows.
void refuse_wrong_masses(LAMMPS *lmp, const std::string &file,
                         const std::vector<std::string> &species,
                         const std::vector<int> &species_of_type);

} // namespace LAMMPS_NS

#endif
