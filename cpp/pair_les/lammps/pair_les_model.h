// SPDX-License-Identifier: GPL-2.0-only
// What pair_style les keeps about its model; private to the style, so that pair_les.h needs no core header.

#ifndef PAIR_LES_LAMMPS_PAIR_LES_MODEL_H
#define PAIR_LES_LAMMPS_PAIR_LES_MODEL_H

#include "pair_les.h"

#include "neigh_list.h"

#include "core/edges.h"
#include "core/evaluator.h"
#include "core/pair_lists.h"
#include "core/pair_sum.h"
#include "core/split_sum.h"
#include "core/split_table.h"
#include "core/torch_device.h"
#include "core/transfer_preconditioner.h"

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace LAMMPS_NS {

struct PairLES::Model {
  std::string file;
  pair_les::TorchDevice device; // keyword device
  std::unique_ptr<pair_les::Evaluator> evaluator;
  pair_les::Graph graph;

  std::vector<int> species_of_type;  // [ntypes + 1], -1 for NULL
  std::vector<int> species_of_atom;  // [nlocal + nghost]
  std::vector<double> solver_charge; // [nlocal] e, after the projection on a total charge
  std::vector<double> phi;           // [nlocal] V, dE_lr/dq as the backward pass sees it
  double total_charge = 0.0;         // e, of solver_charge over all ranks
  double n_charges = 0.0;            // atoms of all ranks in this step
  bigint step = -1;                  // of graph and charges
  bool watched = false;              // charges at the start of a run, which nobody else must change
  std::vector<double> watched_charges;

  enum class MessagePassing { AUTO, COMMUNICATE, RECOMPUTE } message_passing = MessagePassing::AUTO;
  std::unique_ptr<pair_les::MessageExchange>
      exchange;                             // none: messages of ghosts are computed again
  const pair_les::NodeRows *rows = nullptr; // messages under way; none: charges are

  bool any_masses = false;  // keyword masses
  bool total_given = false; // keyword charge: the sum that the charges are shifted to, e
  double total_wanted = 0.0;
  struct {
    bool on = false;
    std::string variable[3];           // names of equal-style variables, empty for constants
    double value[3] = {0.0, 0.0, 0.0}; // V/angstrom
    double scale = 1.0;                // sqrt(eps): physical per latent charge
  } field;

  struct {
    double tolerance = 1.0e-6;        // e, keyword qtol
    int max_iterations = 100;         // keyword qiter
    bool asked = false;               // by one of these keywords
    bigint step = -1;                 // of the newest of the charges remembered
    int remembered = 0;               // consecutive steps whose charges are known
    double misses[HISTORY] = {0.0};   // squared, of their extrapolations, a running mean
    bigint steps = 0, iterations = 0; // in this run
    int most_iterations = 0, in_step = 0;
    std::vector<double> kept; // forces and coordinates during a call of kspace
    pair_les::TransferPreconditioner preconditioner;
  } equilibration;

  struct
  { // of the long-range sum for the charges of this run's first step; in units of LAMMPS, energies per atom
    bool measured = false;
    double force = 0.0, energy = 0.0;            // of mesh and cutoff together
    double mesh_force = 0.0, cutoff_force = 0.0; // rms over atoms
    double mesh_energy = 0.0, cutoff_energy = 0.0;
    double atoms = 0.0;                          // compared
    double mesh_scale = 1.0, cutoff_scale = 1.0; // as in LongRangeTask
    std::array<int, 3> vectors{};                // numbers that this style gave to ewald
  } errors;

  pair_les::TrimmedList net_neighbors; // where the list of LAMMPS reaches further than the network
  pair_les::SplitTable split_table;
  pair_les::SplitSum split_sum;
  pair_les::PairSum pair_sum; // of split mode or of an isolated system

  const pair_les::Metadata &metadata() const { return evaluator->metadata(); }
  static pair_les::FullNeighborList neighbors(const NeighList *list)
  {
    return {list->inum, list->ilist, list->numneigh, list->firstneigh, NEIGHMASK};
  }
  // with the ghosts that have a list: none, unless their messages are computed again
  static pair_les::FullNeighborList neighbors_of_all(const NeighList *list)
  {
    return {list->inum + list->gnum, list->ilist, list->numneigh, list->firstneigh, NEIGHMASK};
  }
  // layers whose messages are computed from the neighbours of ghosts
  int layers_of_ghosts() const { return exchange ? 0 : metadata().message_passing_layers; }
  const pair_les::LongRange *long_range() const
  {
    return metadata().long_range ? &*metadata().long_range : nullptr;
  }
};

} // namespace LAMMPS_NS

#endif
