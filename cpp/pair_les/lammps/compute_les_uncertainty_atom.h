/* -*- c++ -*- ----------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   compute les/uncertainty/atom of the pair_les package
------------------------------------------------------------------------- */

#ifdef COMPUTE_CLASS
// clang-format off
ComputeStyle(les/uncertainty/atom,ComputeLESUncertaintyAtom);
// clang-format on
#else

#ifndef LMP_COMPUTE_LES_UNCERTAINTY_ATOM_H
#define LMP_COMPUTE_LES_UNCERTAINTY_ATOM_H

#include "compute.h"

namespace LAMMPS_NS {

class ComputeLESUncertaintyAtom : public Compute {
 public:
  ComputeLESUncertaintyAtom(class LAMMPS *, int, char **);
  ~ComputeLESUncertaintyAtom() override;

  void init() override;
  void compute_peratom() override;
  int pack_forward_comm(int, int *, double *, int, int *) override;
  void unpack_forward_comm(int, int, double *) override;
  double memory_usage() override;

 private:
  class LESResponse *response;
  double **uncertainty; // [nmax][2] of energies and forces
  double *variance;     // [nmax] eV^2 of energies, of ghosts too
  int nmax;

  void allocate();
};

} // namespace LAMMPS_NS

#endif
#endif
