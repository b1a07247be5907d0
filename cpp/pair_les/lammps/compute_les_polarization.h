/* -*- c++ -*- ----------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   compute les/polarization of the pair_les package
------------------------------------------------------------------------- */

#ifdef COMPUTE_CLASS
// clang-format off
ComputeStyle(les/polarization,ComputeLESPolarization);
// clang-format on
#else

#ifndef LMP_COMPUTE_LES_POLARIZATION_H
#define LMP_COMPUTE_LES_POLARIZATION_H

#include "compute_les_born_atom.h"

namespace LAMMPS_NS {

class ComputeLESPolarization : public ComputeLESBornAtom {
 public:
  ComputeLESPolarization(class LAMMPS *, int, char **);
  ~ComputeLESPolarization() override;

  void compute_vector() override;
};

} // namespace LAMMPS_NS

#endif
#endif
