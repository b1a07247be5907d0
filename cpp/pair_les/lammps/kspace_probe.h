/* -*- c++ -*- ----------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   The kspace style compared with an exact sum, for the charges and positions at hand. Nothing that
   the comparison touches is changed: forces, coordinates, energy and virial of kspace are put back.
------------------------------------------------------------------------- */

#ifndef LMP_KSPACE_PROBE_H
#define LMP_KSPACE_PROBE_H

#include "pointers.h"

#include <array>
#include <vector>

namespace LAMMPS_NS {

class KSpaceProbe : protected Pointers {
 public:
  // Compares at all of `n_atoms` atoms, or at some 256 that their IDs choose: the same ones on any
  // number of processes.
  KSpaceProbe(class LAMMPS *, double n_atoms);

  // +1 or -1 at random, by the ID of an atom
  static double sign_of(tagint);

  static bool can_measure(const class KSpace *, const char *style);

  // Exact potentials and forces for the present g_ewald of kspace; `cutoff` is that of a pair sum
  // between Gaussians of `sigma`, 0 where there is none. Lengths in angstrom; `precision` relative
  // to the force of two unit charges.
  void sum_exactly(double sigma, double cutoff, double precision);

  // Displacements of the atoms that put them to other places of a mesh cell, the first of them
  // none.
  std::vector<std::array<double, 3>> displacements() const;

  // [n, 4] for the atoms below: errors of potential and forces at fixed charges, in energy per
  // charge and force units.
  std::vector<double> kspace_errors(const std::array<double, 3> &displacement);
  const std::vector<double> &cutoff_errors() const { return beyond_cutoff; }

  const std::vector<int> &atoms() const { return sampled; } // local indices
  double n_sampled() const { return n_all_sampled; }        // on all processes
  bool samples_all() const { return everything; }

 private:
  std::vector<int> sampled;
  double n_all_sampled;
  bool everything;
  double summed_gewald, summed_cutoff;
  std::vector<double> exact, beyond_cutoff; // [n, 4]

  std::vector<double> rows_of(const std::vector<int> &) const;
  void add_over_processes(std::vector<double> &) const;
  void add_slab_correction(std::vector<double> &) const;
};

} // namespace LAMMPS_NS

#endif
