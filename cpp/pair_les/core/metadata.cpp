// SPDX-License-Identifier: MIT

#include "metadata.h"

#include "constants.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace pair_les {

namespace {

using nlohmann::json;

// One JSON object of the metadata with the words needed to complain about it.
class Section {
 public:
  Section(const json &object, std::string file, std::string prefix) :
      object(object), file(std::move(file)), prefix(std::move(prefix))
  {}

  [[noreturn]] void fail(const std::string &key, const std::string &rule) const
  {
    throw std::runtime_error("model file '" + file + "': metadata key '" + prefix + key + "' " +
                             rule);
  }

  const json &get(const std::string &key) const
  {
    const auto found = object.find(key);
    if (found == object.end())
      fail(key, "is missing; export the model again with 'pair-les export'");
    return *found;
  }

  std::string text(const std::string &key) const
  {
    const json &value = get(key);
    if (!value.is_string()) fail(key, "is " + value.dump() + " but must be a string");
    return value.get<std::string>();
  }

  int integer(const std::string &key) const
  {
    const json &value = get(key);
    if (!value.is_number_integer()) fail(key, "is " + value.dump() + " but must be an integer");
    return value.get<int>();
  }

  bool boolean(const std::string &key) const
  {
    const json &value = get(key);
    if (!value.is_boolean()) fail(key, "is " + value.dump() + " but must be true or false");
    return value.get<bool>();
  }

  double positive(const std::string &key) const
  {
    const json &value = get(key);
    if (!value.is_number() || !(value.get<double>() > 0.0) || !std::isfinite(value.get<double>()))
      fail(key, "is " + value.dump() + " but must be a number > 0");
    return value.get<double>();
  }

  double number(const std::string &key) const
  {
    const json &value = get(key);
    if (!value.is_number() || !std::isfinite(value.get<double>()))
      fail(key, "is " + value.dump() + " but must be a finite number");
    return value.get<double>();
  }

  std::vector<std::string> texts(const std::string &key) const
  {
    const json &value = get(key);
    const auto is_text = [](const json &item) { return item.is_string(); };
    if (!value.is_array() || !std::all_of(value.begin(), value.end(), is_text))
      fail(key, "is " + value.dump() + " but must be a list of strings");
    return value.get<std::vector<std::string>>();
  }

  std::vector<int> sizes(const std::string &key, int n) const
  {
    const json &value = get(key);
    const auto is_size = [](const json &item) {
      return item.is_number_integer() && item.get<int>() > 0;
    };
    if (!value.is_array() || static_cast<int>(value.size()) != n || n < 1 ||
        !std::all_of(value.begin(), value.end(), is_size))
      fail(key,
           "is " + value.dump() +
               " but must be a list of as many integers > 0 as message_passing_layers, which is " +
               std::to_string(n));
    return value.get<std::vector<int>>();
  }

  std::vector<int> counts(const std::string &key, std::size_t n) const
  {
    const json &value = get(key);
    const auto is_count = [](const json &item) {
      return item.is_number_integer() && item.get<int>() >= 0;
    };
    if (!value.is_array() || value.size() != n ||
        !std::all_of(value.begin(), value.end(), is_count))
      fail(key, "is " + value.dump() + " but must be a list of " + std::to_string(n) +
                    " integers >= 0, one for each of the message_features");
    return value.get<std::vector<int>>();
  }

  bool has(const std::string &key) const { return object.contains(key); }

 private:
  const json &object;
  std::string file, prefix;
};

// Version 1 has latent charges only, and no key for it.
ChargeModel parse_charge_model(const Section &section, int version)
{
  if (version == 1) return ChargeModel::latent;
  const std::string name = section.text("charge_model");
  if (name == "latent") return ChargeModel::latent;
  if (name != "equilibration")
    section.fail("charge_model", "is '" + name + "' but must be 'latent' or 'equilibration'");
  return ChargeModel::equilibration;
}

LongRange parse_long_range(const json &object, const std::string &file, int version)
{
  const Section section(object, file, "long_range.");
  const LongRange long_range{section.positive("sigma"), section.positive("coulomb_constant"),
                             section.boolean("self_interaction"), section.boolean("neutralize"),
                             parse_charge_model(section, version)};
  if (long_range.equilibrates() && !long_range.neutralize)
    section.fail("neutralize", "is false but must be true where charge_model is 'equilibration': "
                               "equilibrated charges have a given sum");
  return long_range;
}

// A network without message_features needs no `kept`.
Compiled parse_compiled(const json &object, const std::string &file, std::size_t n_cuts)
{
  const Section section(object, file, "compiled.");
  return {section.text("torch"), section.text("machine"), section.text("instruction_set"),
          section.integer("padding"),
          n_cuts > 0 || section.has("kept") ? section.counts("kept", n_cuts) : std::vector<int>()};
}

Uncertainty parse_uncertainty(const json &object, const std::string &file,
                              const std::vector<std::string> &species)
{
  const Section section(object, file, "uncertainty.");
  Uncertainty uncertainty;
  const json &lengths = section.get("inverse_length");
  if (!lengths.is_object())
    section.fail("inverse_length", "is " + lengths.dump() + " but must be an object");
  const Section of_species(lengths, file, "uncertainty.inverse_length.");
  for (const auto &symbol : species)
    uncertainty.inverse_length.push_back(of_species.positive(symbol));
  uncertainty.training_force = section.number("training_force");
  return uncertainty;
}

// Returns the version of the format.
int check_format(const Section &root)
{
  if (root.text("format") != MODEL_FORMAT)
    root.fail("format", "is '" + root.text("format") + "' but must be '" + MODEL_FORMAT + "'");
  const int version = root.integer("format_version");
  if (version < 1 || version > MODEL_FORMAT_VERSION)
    root.fail("format_version", "is " + std::to_string(version) +
                                    " but this pair_les reads versions 1 to " +
                                    std::to_string(MODEL_FORMAT_VERSION) +
                                    "; install a pair_les that knows it or export the model again");
  return version;
}

// One number for each species, in their order.
std::vector<double> parse_reference_energies(const Section &root, const std::string &file,
                                             const std::vector<std::string> &species)
{
  const json &object = root.get("reference_energies");
  if (!object.is_object())
    root.fail("reference_energies", "is " + object.dump() + " but must be an object");
  const Section section(object, file, "reference_energies.");
  for (const auto &item : object.items())
    if (std::find(species.begin(), species.end(), item.key()) == species.end())
      section.fail(item.key(), "is not the energy of one of the species of the model");
  std::vector<double> energies;
  if (object.empty()) return energies;
  for (const auto &symbol : species) energies.push_back(section.number(symbol));
  return energies;
}

void check_units(const Section &root)
{
  const json expected = {{"length", "angstrom"}, {"energy", "eV"}, {"charge", "e"}};
  if (root.get("units") != expected)
    root.fail("units", "is " + root.get("units").dump() + " but must be " + expected.dump());
}

std::string lower_case(std::string text)
{
  for (char &letter : text)
    letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return text;
}

std::size_t edit_distance(const std::string &a, const std::string &b)
{
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1] ? 1 : 0)});
      diagonal = above;
    }
  }
  return row.back();
}

} // namespace

double Metadata::reference_energy(std::int64_t species_index) const
{
  return reference_energies.empty() ? 0.0
                                    : reference_energies[static_cast<std::size_t>(species_index)];
}

double Metadata::reference_energy(const std::int64_t *species_indices, std::int64_t n) const
{
  std::vector<std::int64_t> counts(reference_energies.size(), 0);
  double sum = 0.0;
  if (counts.empty()) return sum;
  for (std::int64_t i = 0; i < n; ++i) ++counts[static_cast<std::size_t>(species_indices[i])];
  for (std::size_t s = 0; s < counts.size(); ++s)
    sum += static_cast<double>(counts[s]) * reference_energies[s];
  return sum;
}

int Metadata::species_index(const std::string &symbol) const
{
  const auto found = std::find(species.begin(), species.end(), symbol);
  return found == species.end() ? -1 : static_cast<int>(found - species.begin());
}

std::string Metadata::nearest_species(const std::string &symbol) const
{
  const std::string wanted = lower_case(symbol);
  for (const auto &known : species)
    if (lower_case(known) == wanted) return known;
  std::string prefix; // of a label such as OW, H1 or Na+; the longest
  for (const auto &known : species)
    if (known.size() > prefix.size() && symbol.compare(0, known.size(), known) == 0 &&
        !std::islower(static_cast<unsigned char>(symbol[known.size()])))
      prefix = known;
  if (!prefix.empty()) return prefix;
  for (const auto &known : species)
    if (known.size() > 1 && edit_distance(lower_case(known), wanted) == 1) return known;
  return "";
}

Metadata parse_metadata(const std::string &json_text, const std::string &file)
{
  const json object = json::parse(json_text, nullptr, false);
  if (!object.is_object())
    throw std::runtime_error("model file '" + file + "': metadata.json is not a JSON object; " +
                             "export the model again with 'pair-les export'");
  const Section root(object, file, "");
  const int version = check_format(root);

  Metadata metadata;
  metadata.species = root.texts("species");
  if (metadata.species.empty()) root.fail("species", "is empty but must name at least one element");
  for (const auto &symbol : metadata.species)
    if (std::count(metadata.species.begin(), metadata.species.end(), symbol) > 1)
      root.fail("species", "names '" + symbol + "' more than once");

  metadata.cutoff = root.positive("cutoff");
  metadata.message_passing_layers = root.integer("message_passing_layers");
  if (metadata.message_passing_layers < 0)
    root.fail("message_passing_layers",
              "is " + std::to_string(metadata.message_passing_layers) + " but must be >= 0");

  metadata.dtype = root.text("dtype");
  if (metadata.dtype != "float32" && metadata.dtype != "float64")
    root.fail("dtype", "is '" + metadata.dtype + "' but must be 'float32' or 'float64'");
  check_units(root);

  const json &long_range = root.get("long_range");
  if (long_range.is_object())
    metadata.long_range = parse_long_range(long_range, file, version);
  else if (!long_range.is_null())
    root.fail("long_range", "is " + long_range.dump() + " but must be an object or null");

  if (!root.get("created_with").is_object())
    root.fail("created_with", "is " + root.get("created_with").dump() + " but must be an object");
  if (root.has("message_features"))
    metadata.message_features = root.sizes("message_features", metadata.message_passing_layers);
  if (root.has("committee")) metadata.committee = root.integer("committee");
  if (metadata.committee < 1)
    root.fail("committee",
              "is " + std::to_string(metadata.committee) + " but must be the number of networks");
  if (metadata.committee > 1 && metadata.long_range && metadata.long_range->equilibrates())
    root.fail("committee", "is " + std::to_string(metadata.committee) +
                               " but must be 1 where charge_model is 'equilibration'");
  if (root.has("charge_per_atom")) metadata.charge_per_atom = root.number("charge_per_atom");
  if (version < 2 && metadata.long_range && metadata.long_range->neutralize &&
      metadata.charge_per_atom.value_or(0.0) != 0.0)
    root.fail("format_version", "is 1 but must be 2 where neutralize shifts to charge_per_atom");
  if (root.has("reference_energies"))
    metadata.reference_energies = parse_reference_energies(root, file, metadata.species);
  if (version < 3 && !metadata.reference_energies.empty())
    root.fail("format_version", "is " + std::to_string(version) +
                                    " but must be 3 where there are reference_energies");
  if (root.has("compiled")) {
    if (!root.get("compiled").is_object())
      root.fail("compiled", "is " + root.get("compiled").dump() + " but must be an object");
    metadata.compiled =
        parse_compiled(root.get("compiled"), file, metadata.message_features.size());
  }
  if (root.has("uncertainty")) {
    if (!root.get("uncertainty").is_object())
      root.fail("uncertainty", "is " + root.get("uncertainty").dump() + " but must be an object");
    metadata.uncertainty = parse_uncertainty(root.get("uncertainty"), file, metadata.species);
  }
  if (root.has("description")) metadata.description = root.text("description");
  if (root.has("references")) metadata.references = root.texts("references");
  return metadata;
}

} // namespace pair_les
