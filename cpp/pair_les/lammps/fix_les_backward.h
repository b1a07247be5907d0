/* -*- c++ -*- ----------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   internal fix of pair_style les
------------------------------------------------------------------------- */

#ifdef FIX_CLASS
// clang-format off
FixStyle(LES/BACKWARD,FixLESBackward);
// clang-format on
#else

#ifndef LMP_FIX_LES_BACKWARD_H
#define LMP_FIX_LES_BACKWARD_H

#include "fix.h"

#include <array>

namespace LAMMPS_NS {

class FixLESBackward : public Fix {
 public:
  FixLESBackward(class LAMMPS *, int, char **);

  int setmask() override;
  void init() override;
  void post_integrate() override;
  void pre_exchange() override;
  void min_pre_exchange() override;
  void min_pre_force(int) override;
  void setup_pre_reverse(int, int) override;
  void min_pre_reverse(int, int) override;
  void pre_reverse(int, int) override;
  void post_run() override;

  int pack_reverse_comm(int, int, double *) override;
  void unpack_reverse_comm(int, int *, double *) override;

  class PairLES *pair;

  // rows of ghosts, of an array with at most nine columns, added to those of the atoms they are
  // images of
  void add_from_ghosts(double **, int columns);

 private:
  double **sent; // array and columns of the reverse communication under way
  int sent_columns;
  std::array<double, 9> listed_box; // of the run's start, or of the last change seen

  void make_room(double **&, int &, int);
};

} // namespace LAMMPS_NS

#endif
#endif
