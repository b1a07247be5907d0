/* -*- c++ -*- ----------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   pair_style les of the pair_les package
------------------------------------------------------------------------- */

#ifdef PAIR_CLASS
// clang-format off
PairStyle(les,PairLES);
// clang-format on
#else

#ifndef LMP_PAIR_LES_H
#define LMP_PAIR_LES_H

#include "pair.h"

#include <memory>

namespace LAMMPS_NS {

class LESResponse;

// Commands of LAMMPS and the order of a step; the work is done by the parts below. pair_style
// les/kk replaces some of them.
class PairLES : public Pair {
 public:
  PairLES(class LAMMPS *);
  ~PairLES() override;

  void compute(int, int) override;
  void settings(int, char **) override;
  void coeff(int, char **) override;
  void init_style() override;
  void setup() override;
  double init_one(int, int) override;
  void *extract(const char *, int &) override;
  void *extract_peratom(const char *, int &) override;
  double memory_usage() override;
  int pack_forward_comm(int, int *, double *, int, int *) override;
  void unpack_forward_comm(int, int, double *) override;
  int pack_reverse_comm(int, int, double *) override;
  void unpack_reverse_comm(int, int *, double *) override;

  // Second phase of a step, called by FixLESBackward after kspace: adds forces to atom->f, and
  // virials of the edges.
  void backward(const struct LESTally &tally);

  // Called by FixLESBackward: `box` knows whether kspace->setup() has been called; times and counts
  // are those of the steps of a run, without its setup.
  class KSpaceBox &box() { return *kspace_box; }
  void start_run();
  void finish_run();

  // For the computes of this package: the one pair style with charges, a committee or uncertainties, also
  // among others in pair_style hybrid/overlay; nullptr if there is none.
  static class LESResponse *with_charges(class LAMMPS *);
  static class LESResponse *with_committee(class LAMMPS *);
  static class LESResponse *with_uncertainty(class LAMMPS *);

 protected:
  struct NoParts {};
  PairLES(class LAMMPS *, NoParts); // a derived style then calls create_parts()

  // Creates the parts below; `more` are further arguments of the five classes named (les_parts.h).
  template <class Network, class Charges, class Field, class SplitSum, class LongRange,
            class... More>
  void create_parts(More &...more);

  std::unique_ptr<struct LESUnits> units;
  std::unique_ptr<struct LESSolverSettings> solver_settings;
  std::unique_ptr<class KSpaceBox> kspace_box;
  std::unique_ptr<class LESNetwork> network;
  std::unique_ptr<class LESElectrodeGroups> electrode_groups;
  std::unique_ptr<class LESCharges> charges;
  std::unique_ptr<class LESField> field;
  std::unique_ptr<class LESSplitSum> split_sum;
  std::unique_ptr<class LESLongRange> long_range;
  std::unique_ptr<class LESChargeTolerance> tolerance;
  std::unique_ptr<class LESEquilibration> equilibration;
  std::unique_ptr<class LESElectrodes> electrodes;
  std::unique_ptr<class LESTuning> tuning;
  std::unique_ptr<class LESResponse> response;

  class FixLESBackward *fix_backward; // internal fix and compute of a model with charges
  class Compute *kspace_energy;       // asks kspace for energies of atoms

 private:
  bool any_masses; // keyword masses

  // The response of the one style of which `wanted` is true; `rule` says why there must not be two.
  static class LESResponse *only_response(class LAMMPS *, bool (*wanted)(const LESResponse &),
                                          const char *rule);
  void allocate();
  void create_internal_styles();
  void delete_internal_styles();
  void init_charges();
  bool solves_for_charges() const; // which minimize the energy
  void update_charges();
  void update_kspace();
};

} // namespace LAMMPS_NS

#endif
#endif
