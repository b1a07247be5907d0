// SPDX-License-Identifier: GPL-2.0-only

#include "les_model.h"

#include "atom.h"
#include "comm.h"
#include "error.h"

#include "core/simd/instruction_set.h"
#include "core_library.h"
#include "les_failure.h"

#include <cstring>
#include <fstream>
#include <vector>

using namespace LAMMPS_NS;

namespace {

constexpr double MOST_GIGABYTES = 1.0e6;

// Content of a file, read once and sent to all ranks: thousands of ranks must not open it at the
// same time. False on every rank if it cannot be read.
bool read_everywhere(const std::string &path, std::string &content, int me, MPI_Comm world)
{
  bigint size = -1;
  if (me == 0) {
    std::ifstream file(path, std::ios::binary);
    std::vector<char> buffer(1 << 16);
    // fails quietly for a folder or an unreadable disk, unlike iterators
    while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) ||
           file.gcount() > 0)
      content.append(buffer.data(), file.gcount());
    if (file.eof() && !file.bad() && !content.empty()) size = static_cast<bigint>(content.size());
  }
  MPI_Bcast(&size, 1, MPI_LMP_BIGINT, 0, world);
  if (size < 0 || size > MAXSMALLINT) return false;
  content.resize(size);
  MPI_Bcast(&content[0], static_cast<int>(size), MPI_CHAR, 0, world);
  return true;
}

// cpu, cuda, or cuda: and a number
bool is_device(const std::string &word)
{
  if (word == "cpu" || word == "cuda") return true;
  return utils::strmatch(word, "^cuda:\\d+$") && word.size() < sizeof("cuda:") + 2;
}

int rank_in_node(MPI_Comm world)
{
  MPI_Comm node;
  int rank;
  MPI_Comm_split_type(world, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
  MPI_Comm_rank(node, &rank);
  MPI_Comm_free(&node);
  return rank;
}

} // namespace

int LESModel::keyword(int narg, char **arg)
{
  if (strcmp(arg[0], "device") == 0) {
    device_keyword((narg < 2) ? "" : arg[1]);
    return 2;
  }
  if (strcmp(arg[0], "memory") == 0) {
    memory_keyword((narg < 2) ? "" : arg[1]);
    return 2;
  }
  return 0;
}

void LESModel::device_keyword(const std::string &value)
{
  if (!is_device(value))
    error->all(FLERR,
               "pair_style les device is '{}' but must be cpu, cuda or cuda:N with a GPU N counted "
               "from 0; type 'pair_style les device cuda'",
               value);
  device = {value, rank_in_node(world), "type 'pair_style les' without 'device'"};
}

void LESModel::memory_keyword(const std::string &value)
{
  const double gigabytes = utils::is_double(value) ? std::stod(value) : -1.0;
  if (!(gigabytes >= 0.0 && gigabytes <= MOST_GIGABYTES))
    error->all(FLERR,
               "pair_style les memory is '{}' but must be a number of gigabytes of each process, "
               "from 0 to {}; type 'pair_style les memory 2'",
               value, MOST_GIGABYTES);
  tape_bytes = static_cast<std::int64_t>(gigabytes * 1.0e9);
}

void LESModel::reset()
{
  device = {};
  tape_bytes = pair_les::EvaluatorOptions().tape_bytes;
}

void LESModel::read(const char *given)
{
  const std::string path = (comm->me == 0) ? utils::get_potential_file_path(given) : "";
  std::string archive;
  if (!read_everywhere(path, archive, comm->me, world))
    error->all(FLERR,
               "Cannot open model file '{}' of pair_style les; check the path, or write it with "
               "'pair-les export'",
               given);

  std::string message;
  try {
    pair_les::instruction_set(); // throws if the user asks for one that is not there
    name = given;
    load(archive);
  } catch (const std::exception &e) {
    message = e.what();
  }
  // every rank read the same bytes, but a rank may lack torch
  stop_on_failure(lmp, message);

  if (long_range() && !atom->q_flag)
    error->all(FLERR,
               "model file '{}' has charges and needs an atom style that stores them; "
               "type 'atom_style charge' or 'atom_style full'",
               name);

  if (comm->me != 0) return;
  const auto &contract = metadata();
  std::string symbols;
  for (const auto &symbol : contract.species) symbols += " " + symbol;
  utils::logmesg(
      lmp, "pair_style les: {} ({}{}), species{}, cutoff {} A, {}\n", name, contract.dtype,
      device.is_gpu() ? " on " + device.name : "", symbols, contract.cutoff,
      long_range() ? fmt::format("{} charges with sigma {} A",
                                 equilibrates() ? "equilibrated" : "latent", long_range()->sigma)
                   : "no charges");
  for (const auto &reference : contract.references)
    utils::logmesg(lmp, "  please cite: {}\n", reference);
}

void LESModel::load(const std::string &archive)
{
  pair_les::EvaluatorOptions options;
  options.threads = comm->nthreads;
  options.tape_bytes = tape_bytes;
  options.device = device;
  evaluator = pair_les::create_evaluator(name, archive, options);
}

void LESModel::assign_species(int n, char **elements, bool electrodes)
{
  if (n != atom->ntypes)
    error->all(FLERR,
               "pair_coeff of pair_style les names {} elements for {} atom types; name one "
               "element for each type",
               n, atom->ntypes);

  species_of_type.assign(n + 1, -1);
  for (int i = 0; i < n; i++) {
    if (strcmp(elements[i], "NULL") == 0) {
      if (long_range() && !electrodes)
        error->all(FLERR,
                   "pair_coeff of pair_style les maps type {} to NULL, but model file '{}' gives "
                   "every atom a charge; name an element for each type, or make its atoms an "
                   "electrode as in 'pair_style les electrode wall 0.0'",
                   i + 1, name);
      continue;
    }
    species_of_type[i + 1] = metadata().species_index(elements[i]);
    if (species_of_type[i + 1] < 0) {
      std::string known;
      for (const auto &symbol : metadata().species) known += " " + symbol;
      const std::string near = metadata().nearest_species(elements[i]);
      error->all(FLERR, "model file '{}' does not know element '{}' of type {}; it knows{}{}", name,
                 elements[i], i + 1, known, near.empty() ? "" : "; did you mean '" + near + "'?");
    }
  }
}

std::vector<int> LESModel::interacting_types(bool electrodes) const
{
  return electrodes ? std::vector<int>(species_of_type.size(), 0) : species_of_type;
}

const pair_les::LongRange *LESModel::long_range() const
{
  return metadata().long_range ? &*metadata().long_range : nullptr;
}
