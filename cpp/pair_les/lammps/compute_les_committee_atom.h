/* -*- c++ -*- ----------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   compute les/committee/atom of the pair_les package
------------------------------------------------------------------------- */

#ifdef COMPUTE_CLASS
// clang-format off
ComputeStyle(les/committee/atom,ComputeLESCommitteeAtom);
// clang-format on
#else

#ifndef LMP_COMPUTE_LES_COMMITTEE_ATOM_H
#define LMP_COMPUTE_LES_COMMITTEE_ATOM_H

#include "compute.h"

namespace LAMMPS_NS {

class ComputeLESCommitteeAtom : public Compute {
 public:
  ComputeLESCommitteeAtom(class LAMMPS *, int, char **);
  ~ComputeLESCommitteeAtom() override;

  void init() override;
  void compute_peratom() override;
  int pack_reverse_comm(int, int, double *) override;
  void unpack_reverse_comm(int, int *, double *) override;
  double memory_usage() override;

 private:
  class LESResponse *response;
  double **spread; // [nmax][2] of forces, and of charges in e
  double **forces; // [nmax][3] of one network
  double **mean;   // [nmax][4] of forces and charges, of the networks so far
  int nmax;

  void allocate();
};

} // namespace LAMMPS_NS

#endif
#endif
