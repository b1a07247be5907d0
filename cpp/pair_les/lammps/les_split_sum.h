// SPDX-License-Identifier: GPL-2.0-only
// The pair sum of split mode: the latent interaction less that of the solver, which has chosen its
// own splitting parameter.

#ifndef PAIR_LES_LAMMPS_LES_SPLIT_SUM_H
#define PAIR_LES_LAMMPS_LES_SPLIT_SUM_H

#include "pointers.h"

#include "core/pair_sum.h"
#include "core/split_sum.h"
#include "core/split_table.h"
#include "les_charges.h"
#include "les_network.h"
#include "les_solver_settings.h"
#include "les_tally.h"

namespace LAMMPS_NS {

class LESSplitSum : protected Pointers {
 public:
  LESSplitSum(class LAMMPS *, const LESUnits &, LESNetwork &, LESCharges &,
              const LESSolverSettings &);
  virtual ~LESSplitSum() = default;

  void init() { tabulated_gewald = 0.0; } // before a run

  // Potential of the charges in atom->q, and add their energy, forces and virial. Collective.
  void compute(const LESTally &tally);

  // Potential alone, [nlocal] in V. Collective.
  void compute_potential();
  const std::vector<double> &potential() const { return sum.potential; }

  // Time that the sum takes: from the start of a run on, and a line of the log at its end.
  // Collective.
  void start_timing() { seconds = 0.0; }
  void report() const;

  double bytes() const { return pairs.bytes(); }

 protected:
  const LESUnits &units;
  LESNetwork &network;
  LESCharges &charges;
  const LESSolverSettings &settings;
  pair_les::SplitTable table;
  pair_les::PairSum sum;

  virtual void tabulate();
  virtual void clear();
  virtual void sum_pairs(pair_les::PairSum::Virial wanted);
  virtual void sum_potential() { sum_pairs(pair_les::PairSum::Virial::none); }
  virtual void tally_sum(const LESTally &tally);
  double background() const;
  double tabulated() const { return tabulated_gewald; }

 private:
  pair_les::SplitSum pairs;
  bigint listed = -1; // the list that the pairs are from, as the network counts lists
  double tabulated_gewald =
      0.0; // g_ewald of the table; 0 before there is one, -1: that of msm, which has none
  double seconds = 0.0;

  bool vanishes() const;
};

// Add energies, forces and virials of a pair sum over charges [nlocal] in e. `background` is a
// virial per charge on xx, yy and zz.
void tally_pair_sum(const pair_les::PairSum &, const std::vector<double> &charge, double background,
                    const LESUnits &, class Atom *, const LESTally &);

// The part of it that belongs to single atoms: energies and virials.
void tally_pair_sum_of_atoms(const pair_les::PairSum &, const std::vector<double> &charge,
                             double background, const LESUnits &, const LESTally &);

} // namespace LAMMPS_NS

#endif
