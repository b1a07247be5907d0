// SPDX-License-Identifier: GPL-2.0-only
// kspace_modify commands that this package gives.

#ifndef PAIR_LES_LAMMPS_KSPACE_MODIFY_H
#define PAIR_LES_LAMMPS_KSPACE_MODIFY_H

#include "kspace.h"

#include <string>
#include <vector>

namespace LAMMPS_NS {

// `words` are those of the command: a keyword and its values.
inline void modify_kspace(KSpace *kspace, std::vector<std::string> words)
{
  std::vector<char *> arg;
  for (auto &word : words) arg.push_back(&word[0]);
  kspace->modify_params(static_cast<int>(arg.size()), arg.data());
}

} // namespace LAMMPS_NS

#endif
