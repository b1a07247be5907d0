/* -*- c++ -*- ----------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   compute les/born/atom of the pair_les package
------------------------------------------------------------------------- */

#ifdef COMPUTE_CLASS
// clang-format off
ComputeStyle(les/born/atom,ComputeLESBornAtom);
// clang-format on
#else

#ifndef LMP_COMPUTE_LES_BORN_ATOM_H
#define LMP_COMPUTE_LES_BORN_ATOM_H

#include "compute.h"

namespace LAMMPS_NS {

class ComputeLESBornAtom : public Compute {
 public:
  ComputeLESBornAtom(class LAMMPS *, int, char **);
  ~ComputeLESBornAtom() override;

  void init() override;
  void compute_peratom() override;
  int pack_reverse_comm(int, int, double *) override;
  void unpack_reverse_comm(int, int *, double *) override;
  double memory_usage() override;

 protected:
  class LESResponse *response;
  double scale;  // sqrt(eps): physical per latent charge
  double **born; // [nmax][9], e, polarization direction first, that of the displacement second

  void evaluate();

 private:
  int nmax;
};

} // namespace LAMMPS_NS

#endif
#endif
