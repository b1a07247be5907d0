// SPDX-License-Identifier: GPL-2.0-only
// The model file that pair_coeff names: its contract, its evaluator, and the species of the atom
// types.

#ifndef PAIR_LES_LAMMPS_LES_MODEL_H
#define PAIR_LES_LAMMPS_LES_MODEL_H

#include "pointers.h"

#include "core/evaluator.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace LAMMPS_NS {

class LESModel : protected Pointers {
 public:
  LESModel(class LAMMPS *lmp) : Pointers(lmp) {}
  virtual ~LESModel() = default;

  // Read the keyword device or memory at the start of arg. Returns the number of words, 0 for
  // another keyword.
  int keyword(int narg, char **arg);
  void reset();

  // Read the model file and describe it in the log. Collective.
  void read(const char *name);

  // Elements of the atom types, "NULL" for one that the model does not see; of a model with charges
  // its atoms are those of `electrodes`.
  void assign_species(int n, char **elements, bool electrodes);
  const std::vector<int> &species() const { return species_of_type; } // [ntypes + 1], -1 for NULL

  // [ntypes + 1] -1 for types without pairs of this style: none where they are charges of `electrodes`.
  std::vector<int> interacting_types(bool electrodes) const;

  // Contract of the file; needs one that has been read.
  bool loaded() const { return evaluator != nullptr; }
  const std::string &file() const { return name; }
  const pair_les::Metadata &metadata() const { return evaluator->metadata(); }
  double cutoff() const { return metadata().cutoff; } // angstrom
  const pair_les::LongRange *long_range() const;      // nullptr: no charges
  bool equilibrates() const { return long_range() && long_range()->equilibrates(); }

 protected:
  std::string name; // of the model file
  pair_les::TorchDevice device;
  std::int64_t tape_bytes = pair_les::EvaluatorOptions().tape_bytes; // keyword memory
  std::unique_ptr<pair_les::Evaluator> evaluator;
  std::vector<int> species_of_type;

  void device_keyword(const std::string &value);
  void memory_keyword(const std::string &value);
  virtual void load(const std::string &archive); // creates the evaluator; throws
};

} // namespace LAMMPS_NS

#endif
