// SPDX-License-Identifier: MIT
// metadata.json of a deployed model, versions 1 to 3: what the file promises about itself.

#ifndef PAIR_LES_CORE_METADATA_H
#define PAIR_LES_CORE_METADATA_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pair_les {

// Where the charges come from: outputs of the network, or those that minimize the energy of its outputs.
enum class ChargeModel { latent, equilibration };

// How the charges of the model interact at long range.
struct LongRange {
  double sigma;            // angstrom, width of the Gaussian smearing
  double coulomb_constant; // eV angstrom / e^2, the constant the model was trained with
  bool self_interaction;   // the energy keeps each Gaussian's interaction with itself
  bool neutralize;         // the mean of all charges is subtracted before the sum
  ChargeModel charge_model = ChargeModel::latent;

  bool equilibrates() const { return charge_model == ChargeModel::equilibration; }
};

// How uncertainties of forces follow from those of the energies of atoms.
struct Uncertainty {
  std::vector<double> inverse_length; // 1/angstrom per species
  double training_force; // eV/angstrom; 99.9 % of the atoms of the training frames are below
};

// What a package was compiled for: a machine that has it can run the file.
struct Compiled {
  std::string torch;           // release, as "2.13.0"
  std::string machine;         // as uname -m says
  std::string instruction_set; // baseline, avx2 or avx512
  int padding;                 // version of the atoms that stand before the real ones
  std::vector<int> kept;       // cut at its layers: tensors that each layer but the last keeps
};

struct Metadata {
  std::vector<std::string> species; // position = species index given to forward()
  double cutoff;                    // angstrom
  int message_passing_layers;
  std::string dtype;                   // "float32" or "float64"
  std::optional<LongRange> long_range; // empty: no charges, no long-range energy
  int committee = 1; // networks in the file; the energy and the charges are their means
  // numbers per atom that each layer sends to its neighbors; empty: the network is not cut at its layers
  std::vector<int> message_features;
  std::optional<double> charge_per_atom;  // e; the charge state that the network was exported for
  std::optional<Compiled> compiled;       // of a package only
  std::optional<Uncertainty> uncertainty; // empty: the network returns none
  // eV per species, what a caller adds to the energies of the network; empty: nothing
  std::vector<double> reference_energies;
  std::string description;
  std::vector<std::string> references;

  // eV of an atom with this species index; 0 without reference energies.
  double reference_energy(std::int64_t species_index) const;

  // eV of atoms with these species indices. Counts them instead of adding up large numbers one by one, so that the sum is
  // rounded once per species and does not depend on the order of the atoms.
  double reference_energy(const std::int64_t *species_indices, std::int64_t n) const;

  // Index of a chemical symbol in `species`, or -1.
  int species_index(const std::string &symbol) const;

  // Known symbol that an unknown one probably means: equal but for case, its prefix (OW), one letter off; or empty.
  std::string nearest_species(const std::string &symbol) const;
};

// Parse and check metadata.json. `file` is named in every error.
// Throws std::runtime_error with one line that names file, key, value and rule.
Metadata parse_metadata(const std::string &json_text, const std::string &file);

} // namespace pair_les

#endif
