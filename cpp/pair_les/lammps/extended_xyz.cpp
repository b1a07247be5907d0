// SPDX-License-Identifier: GPL-2.0-only

#include "extended_xyz.h"

#include "atom.h"
#include "comm.h"
#include "domain.h"
#include "error.h"

#include "les_failure.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <numeric>

using namespace LAMMPS_NS;

namespace {

constexpr std::size_t N_FIXED = 5; // id, type, x, y, z

} // namespace

void ExtendedXYZ::append(const std::string &file,
                         const std::function<void(int i, double *row)> &values)
{
  const std::size_t width = N_FIXED + columns.size();
  std::vector<double> mine(width * atom->nlocal);
  for (int i = 0; i < atom->nlocal; i++) {
    double *const row = &mine[width * i];
    row[0] = static_cast<double>(atom->tag[i]);
    row[1] = atom->type[i];
    for (int k = 0; k < 3; k++) row[2 + k] = atom->x[i][k];
    values(i, row + N_FIXED);
  }
  const int count = static_cast<int>(mine.size());
  std::vector<int> counts(comm->nprocs), starts(comm->nprocs, 0);
  MPI_Gather(&count, 1, MPI_INT, counts.data(), 1, MPI_INT, 0, world);
  std::partial_sum(counts.begin(), counts.end() - 1, starts.begin() + 1);
  std::vector<double> rows(comm->me == 0 ? width * atom->natoms : 0);
  MPI_Gatherv(mine.data(), count, MPI_DOUBLE, rows.data(), counts.data(), starts.data(), MPI_DOUBLE,
              0, world);
  stop_on_failure(lmp, failure_of([&] {
                    if (comm->me == 0) write(file, rows);
                  }));
}

std::string ExtendedXYZ::header() const
{
  const double *const h = domain->h; // xx yy zz yz xz xy
  std::string properties = "species:S:1:id:I:1:pos:R:3";
  for (const auto &name : columns) properties += ":" + name + ":R:1";
  const auto flag = [&](int direction) { return domain->periodicity[direction] ? "T" : "F"; };
  return fmt::format(
      "Lattice=\"{:.17g} 0 0 {:.17g} {:.17g} 0 {:.17g} {:.17g} {:.17g}\" Properties={} {} "
      "pbc=\"{} {} {}\"\n",
      h[0], h[5], h[1], h[4], h[3], h[2], properties, info, flag(0), flag(1), flag(2));
}

void ExtendedXYZ::write(const std::string &file, std::vector<double> &rows) const
{
  const std::size_t width = N_FIXED + columns.size(), n = rows.size() / width;
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return rows[width * a] < rows[width * b]; });
  std::string text = fmt::format("{}\n", n) + header();
  for (const std::size_t place : order) {
    const double *const row = &rows[width * place];
    text += fmt::format("{} {}", elements[static_cast<std::size_t>(row[1]) - 1],
                        static_cast<bigint>(row[0]));
    for (std::size_t k = 2; k < width; k++) text += fmt::format(" {:.10g}", row[k]);
    text += "\n";
  }
  FILE *const stream = fopen(file.c_str(), "a");
  const bool written = stream && fwrite(text.data(), 1, text.size(), stream) == text.size();
  if ((stream && fclose(stream) != 0) || !written)
    throw std::runtime_error(fmt::format("cannot write frames to '{}' ({}); give another file to "
                                         "'dump'",
                                         file, strerror(errno)));
}
