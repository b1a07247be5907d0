// SPDX-License-Identifier: GPL-2.0-only

#include "class_layout.h"

#include "comm.h"
#include "compute.h"
#include "fix.h"
#include "kspace.h"
#include "lammps.h"
#include "pair.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <new>

#include <dlfcn.h>
#include <link.h>

using namespace LAMMPS_NS;

namespace pair_les {

// Each layout class adds no virtual function: its table is as long as that of its base class in our
// headers. One function of each is defined outside the class, so that the compiler emits the table
// here.
struct PairLayout : Pair {
  using Pair::Pair;
  void compute(int, int) override;
  void settings(int, char **) override {}
  void coeff(int, char **) override {}
  bool as_constructed(const LAMMPS *lmp) const;
  // LAMMPS numbers its pair styles as they are constructed
  static void uncount() { --instance_total; }
};
void PairLayout::compute(int, int) {}

struct FixLayout : Fix {
  using Fix::Fix;
  int setmask() override;
};
int FixLayout::setmask()
{
  return 0;
}

struct ComputeLayout : Compute {
  using Compute::Compute;
  void init() override;
};
void ComputeLayout::init() {}

struct KSpaceLayout : KSpace {
  using KSpace::KSpace;
  void init() override;
};
void KSpaceLayout::init() {}

struct CommLayout : Comm {
  using Comm::Comm;
  void setup() override;
};
void CommLayout::setup() {}

// Of a Pair that LAMMPS has just constructed: flags and pointers, as this side sees them, have the
// values that the LAMMPS manual documents for new pair styles, and references lead to where this
// side has them.
bool PairLayout::as_constructed(const LAMMPS *lmp) const
{
  return &memory == &lmp->memory && &error == &lmp->error && &atom == &lmp->atom &&
         &force == &lmp->force && &neighbor == &lmp->neighbor && &comm == &lmp->comm &&
         &world == &lmp->world && single_enable == 1 && restartinfo == 1 && respa_enable == 0 &&
         one_coeff == 0 && manybody_flag == 0 && ghostneigh == 0 && ewaldflag == 0 &&
         pppmflag == 0 && reinitflag == 1 && compute_flag == 1 && allocated == 0 && !setflag &&
         !cutsq && !eatom && !vatom && !cvatom && maxeatom == 0 && maxvatom == 0 &&
         maxcvatom == 0 && copymode == 0;
}

namespace {

// Bytes of a virtual function table that `library` defines or sees; 0: unknown.
size_t table_size(void *library, const char *symbol)
{
#ifdef __GLIBC__
  void *const table = dlsym(library, symbol);
  Dl_info info;
  void *entry = nullptr;
  if (table && dladdr1(table, &info, &entry, RTLD_DL_SYMENT) && entry)
    return static_cast<const ElfW(Sym) *>(entry)->st_size;
#endif
  return 0;
}

struct Table {
  const char *name, *theirs, *ours;
};

constexpr Table TABLES[] = {
    {"Pair", "_ZTVN9LAMMPS_NS4PairE", "_ZTVN8pair_les10PairLayoutE"},
    {"Fix", "_ZTVN9LAMMPS_NS3FixE", "_ZTVN8pair_les9FixLayoutE"},
    {"Compute", "_ZTVN9LAMMPS_NS7ComputeE", "_ZTVN8pair_les13ComputeLayoutE"},
    {"KSpace", "_ZTVN9LAMMPS_NS6KSpaceE", "_ZTVN8pair_les12KSpaceLayoutE"},
    {"Comm", "_ZTVN9LAMMPS_NS4CommE", "_ZTVN8pair_les10CommLayoutE"},
};

// Whether LAMMPS's constructor of Pair writes what this side expects, and nothing behind its end.
bool pair_fits(LAMMPS *lmp)
{
  constexpr std::byte UNTOUCHED{0xa5};
  constexpr size_t MARGIN = 4096; // how much longer another Pair may be
  alignas(PairLayout) static std::byte storage[sizeof(PairLayout) + MARGIN];
  // volatile: a compiler may drop what is written before a constructor runs
  volatile std::byte *const bytes = storage;
  for (size_t i = 0; i < sizeof(storage); ++i) bytes[i] = UNTOUCHED;
  // never destroyed: its destructor would release what another layout takes for pointers
  auto *const probe = new (storage) PairLayout(lmp);
  PairLayout::uncount();
  return probe->as_constructed(lmp) &&
         std::all_of(storage + sizeof(PairLayout), std::end(storage),
                     [=](std::byte value) { return value == UNTOUCHED; });
}

} // namespace

std::string layout_mismatch(LAMMPS *lmp)
{
  const auto message = [](const char *name) {
    return std::string("class ") + name +
           " of this LAMMPS is not the one that pair_style les was compiled with: build pair_les "
           "again for "
           "this LAMMPS";
  };
  Dl_info info;
  void *const self =
      dladdr(TABLES, &info) ? dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD) : nullptr;
  for (const Table &table : TABLES) {
    const size_t theirs = table_size(RTLD_DEFAULT, table.theirs);
    const size_t ours = self ? table_size(self, table.ours) : 0;
    if (theirs && ours && theirs != ours) return message(table.name);
  }
  return pair_fits(lmp) ? "" : message("Pair");
}

} // namespace pair_les
