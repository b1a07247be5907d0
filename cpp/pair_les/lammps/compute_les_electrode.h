/* -*- c++ -*- ----------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   compute les/electrode of the pair_les package
------------------------------------------------------------------------- */

#ifdef COMPUTE_CLASS
// clang-format off
ComputeStyle(les/electrode,ComputeLESElectrode);
// clang-format on
#else

#ifndef LMP_COMPUTE_LES_ELECTRODE_H
#define LMP_COMPUTE_LES_ELECTRODE_H

#include "compute.h"

namespace LAMMPS_NS {

class ComputeLESElectrode : public Compute {
 public:
  ComputeLESElectrode(class LAMMPS *, int, char **);
  ~ComputeLESElectrode() override;

  void init() override;
  double compute_scalar() override;
  void compute_array() override;

 private:
  const class LESElectrodes *electrodes;

  void find_electrodes();
};

} // namespace LAMMPS_NS

#endif
#endif
