/* -*- c++ -*- ----------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   fix les/watch of the pair_les package
------------------------------------------------------------------------- */

#ifdef FIX_CLASS
// clang-format off
FixStyle(les/watch,FixLESWatch);
// clang-format on
#else

#ifndef LMP_FIX_LES_WATCH_H
#define LMP_FIX_LES_WATCH_H

#include "fix.h"

#include <string>

namespace LAMMPS_NS {

class FixLESWatch : public Fix {
 public:
  FixLESWatch(class LAMMPS *, int, char **);
  ~FixLESWatch() override;

  int setmask() override;
  void init() override;
  void setup(int) override;
  void min_setup(int) override;
  void end_of_step() override;
  void min_post_force(int) override;
  void post_run() override;
  double compute_scalar() override;
  double compute_vector(int) override;

 private:
  double threshold; // force units
  std::string file; // of frames; empty: none
  bool halts, halted;

  std::string compute_id;
  class Compute *uncertainty;
  class LESResponse *response;
  bigint checked;         // step of the last check
  bigint n_atoms;         // beyond the threshold at the last check
  double largest;         // uncertainty at the last check
  bigint n_fired, frames; // checks with such atoms, frames written

  void read_keywords(int, char **);
  void check();
  tagint atom_with_largest() const;
  void write_frame();
};

} // namespace LAMMPS_NS

#endif
#endif
