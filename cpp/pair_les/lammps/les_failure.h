// SPDX-License-Identifier: GPL-2.0-only
// Failures that happen on one process and must end the run on all of them.

#ifndef PAIR_LES_LAMMPS_LES_FAILURE_H
#define PAIR_LES_LAMMPS_LES_FAILURE_H

#include <functional>
#include <string>

namespace LAMMPS_NS {

class LAMMPS;

// Stop with one error line, that of the first process whose message is not empty. Collective, so
// that no process waits for another one that has stopped.
void stop_on_failure(LAMMPS *lmp, const std::string &message);

// Message of an exception that `action` throws, empty if it throws none. Exceptions of LAMMPS pass:
// their error line has been printed, and all processes throw them together.
std::string failure_of(const std::function<void()> &action);

} // namespace LAMMPS_NS

#endif
