// SPDX-License-Identifier: GPL-2.0-only
// What atoms of other processes contribute. Messages of ghosts between the layers of a network come
// from the processes where these atoms are local, and the derivatives of messages are sent back; a
// network that is not cut at its layers has the messages of ghosts recomputed here, from the
// neighbors of ghosts. Charges of ghosts take the same way.

#ifndef PAIR_LES_LAMMPS_LES_MESSAGES_H
#define PAIR_LES_LAMMPS_LES_MESSAGES_H

#include "core/edges.h"
#include "core/message_exchange.h"
#include "core/metadata.h"

#include <string>

namespace LAMMPS_NS {

class LAMMPS;

// Not derived from Pointers, whose destructor may throw, unlike that of the interface.
class LESMessages : public pair_les::MessageExchange {
 public:
  // `pair` is the style that LAMMPS calls to pack and unpack; `preferred`: communication is, where
  // the input does not say.
  LESMessages(LAMMPS *, class Pair *pair, const pair_les::Graph &, bool preferred);
  ~LESMessages() override;

  // Read the keyword message_passing at the start of arg. Returns the number of words, 0 for
  // another keyword.
  int keyword(int narg, char **arg);
  void reset() { asked = AUTO; }

  // Decide between communication and recomputation for the model in `file`.
  void choose(const pair_les::Metadata &, const std::string &file);
  bool communicates() const { return communicated; }
  int recomputed_layers() const { return layers; } // of the network, that centers on ghosts

  // Ask LAMMPS for the neighbor list, and for ghosts as far away as the network sees. Cutoff in
  // angstrom.
  void request_neighbors(double cutoff, const std::string &file);

  // Forward communication of atom->q. Collective.
  void send_charges();

  // MessageExchange
  void agree(const std::string &failure) override;
  void forward(const pair_les::NodeRows &rows) override;
  void reverse(const pair_les::NodeRows &rows) override;

  // Functions of Pair of the same names.
  int pack_forward(int n, const int *list, double *buf) const;
  void unpack_forward(int n, int first, const double *buf);
  int pack_reverse(int n, int first, double *buf) const;
  void unpack_reverse(int n, const int *list, const double *buf);

 private:
  LAMMPS *const lmp;
  Pair *const pair;
  const pair_les::Graph &graph;
  const bool preferred;
  enum { AUTO, COMMUNICATE, RECOMPUTE } asked = AUTO;
  bool communicated = false;
  int layers = 0;
  const pair_les::NodeRows *rows = nullptr; // messages under way; nullptr: charges are
  double ghost_cutoff = 0.0;                // of comm, where this style has set it; 0: it has not
  double user_cutoff = 0.0;                 // the value before

  void release_ghost_cutoff();
  void pack_row(int i, double *words) const;
};

} // namespace LAMMPS_NS

#endif
