// SPDX-License-Identifier: GPL-2.0-only

#include "les_failure.h"

#include "comm.h"
#include "error.h"
#include "exceptions.h"

using namespace LAMMPS_NS;

void LAMMPS_NS::stop_on_failure(LAMMPS *lmp, const std::string &message)
{
  const Comm *const comm = lmp->comm;
  const int mine = message.empty() ? comm->nprocs : comm->me;
  int first;
  MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, lmp->world);
  if (first == comm->nprocs) return;

  std::string text(message);
  int length = static_cast<int>(text.size());
  MPI_Bcast(&length, 1, MPI_INT, first, lmp->world);
  text.resize(length);
  MPI_Bcast(&text[0], length, MPI_CHAR, first, lmp->world);
  lmp->error->all(FLERR, text);
}

std::string LAMMPS_NS::failure_of(const std::function<void()> &action)
{
  try {
    action();
  } catch (const LAMMPSException &) {
    throw;
  } catch (const std::exception &e) {
    return e.what();
  }
  return "";
}
