/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   pair_style les: what atoms of other processes contribute. Messages of ghosts come from where these atoms are
   local, and their adjoints go back; a file whose network is not cut at its layers has them computed again here,
   from the neighbors of ghosts. Charges of ghosts take the same way.
------------------------------------------------------------------------- */

#include "pair_les.h"

#include "atom.h"
#include "comm.h"
#include "error.h"
#include "exceptions.h"
#include "force.h"
#include "neighbor.h"

#include "core/message_exchange.h"
#include "pair_les_model.h"

#include <algorithm>
#include <cstring>

using namespace LAMMPS_NS;
using pair_les::NodeRows;

namespace {

// Rows travel as they are in memory, in as many words of LAMMPS's buffers as they fill.
int words_per_row(const NodeRows &rows)
{
  return static_cast<int>((rows.bytes_per_row() + sizeof(double) - 1) / sizeof(double));
}

char *row_of(const NodeRows &rows, std::int64_t node)
{
  return static_cast<char *>(rows.data) + static_cast<std::size_t>(node) * rows.bytes_per_row();
}

template <class Real> void add_row(const NodeRows &rows, std::int64_t node, const double *words)
{
  auto *const row = reinterpret_cast<Real *>(row_of(rows, node));
  for (int k = 0; k < rows.width; k++) {
    Real value;
    std::memcpy(&value, reinterpret_cast<const char *>(words) + k * sizeof(Real), sizeof(Real));
    row[k] += value;
  }
}

} // namespace

/* ----------------------------------------------------------------------
   the two directions of LAMMPS's own communication of ghosts
------------------------------------------------------------------------- */

class PairLES::Messages : public pair_les::MessageExchange {
 public:
  explicit Messages(PairLES *pair) : pair(pair) {}

  void agree(const std::string &failure) override { pair->stop_on_failure(failure); }

  void forward(const NodeRows &rows) override
  {
    pair->model->rows = &rows;
    pair->comm->forward_comm(pair, words_per_row(rows));
    pair->model->rows = nullptr;
  }

  void reverse(const NodeRows &rows) override
  {
    pair->model->rows = &rows;
    pair->comm->reverse_comm(pair, words_per_row(rows));
    pair->model->rows = nullptr;
  }

 private:
  PairLES *pair;
};

/* ----------------------------------------------------------------------
   keyword message_passing at the start of arg: how many words it is, else 0
------------------------------------------------------------------------- */

int PairLES::message_keyword(int narg, char **arg)
{
  if (strcmp(arg[0], "message_passing") != 0) return 0;
  const std::string choice = (narg > 1) ? arg[1] : "";
  if (choice != "communicate" && choice != "recompute")
    error->all(FLERR,
               "pair_style les message_passing is '{}' but must be communicate or recompute; type "
               "'pair_style les' for the better one that the model file allows",
               choice);
  model->message_passing = (choice == "communicate") ? Model::MessagePassing::COMMUNICATE
                                                     : Model::MessagePassing::RECOMPUTE;
  return 2;
}

/* ----------------------------------------------------------------------
   once the model is known
------------------------------------------------------------------------- */

void PairLES::choose_message_passing()
{
  const auto &metadata = model->metadata();
  const auto asked = model->message_passing;
  model->exchange.reset();
  comm_forward = 1;
  comm_reverse = 0;
  if (asked != Model::MessagePassing::AUTO && metadata.message_passing_layers == 0)
    error->all(FLERR,
               "pair_style les message_passing is for networks with message-passing layers, but "
               "model file '{}' has none; remove it",
               model->file);
  const bool possible = !metadata.message_features.empty() && can_communicate();
  if (asked == Model::MessagePassing::COMMUNICATE && !possible)
    error->all(
        FLERR,
        "pair_style les message_passing communicate is not possible with {}; type 'pair_style "
        "les message_passing recompute'{}",
        can_communicate() ? fmt::format("model file '{}', which is not cut at its layers "
                                        "(no message_features)",
                                        model->file)
                          : "pair_style les/kk",
        can_communicate() ? ", or export the model again with 'pair-les export'" : "");
  const bool communicates = possible && asked != Model::MessagePassing::RECOMPUTE;
  const int most =
      metadata.message_features.empty()
          ? 0
          : *std::max_element(metadata.message_features.begin(), metadata.message_features.end());
  if (comm->me == 0 && metadata.message_passing_layers > 0)
    utils::logmesg(lmp, "  messages of ghost atoms: {}\n",
                   communicates ? fmt::format("communicated, {} numbers per atom", most)
                                : fmt::format("computed again, ghosts within {} cutoffs",
                                              1 + metadata.message_passing_layers));
  if (!communicates) return;

  model->exchange.reset(new Messages(this));
  comm_forward = words_per_row({nullptr, most, metadata.dtype == "float64"});
  comm_reverse = comm_forward;
}

/* ----------------------------------------------------------------------
   messages computed again: the neighbours of a local atom are centres, too, and those that are ghosts need
   theirs
------------------------------------------------------------------------- */

void PairLES::request_neighbors()
{
  release_ghost_cutoff();
  if (model->layers_of_ghosts() == 0) {
    neighbor->add_request(this, NeighConst::REQ_FULL);
    // pair_style hybrid looked at its styles before they had read their models
    force->pair->comm_forward = std::max(force->pair->comm_forward, comm_forward);
    force->pair->comm_reverse = std::max(force->pair->comm_reverse, comm_reverse);
    return;
  }
  if (comm->mode != Comm::SINGLE)
    error->all(FLERR,
               "model file '{}' has message-passing layers and needs one cutoff for all ghosts; "
               "type 'comm_modify mode single'",
               model->file);
  neighbor->add_request(this, NeighConst::REQ_FULL | NeighConst::REQ_GHOST);
  const double reach = (1 + model->layers_of_ghosts()) * model->metadata().cutoff + neighbor->skin;
  if (comm->cutghostuser >= reach) return;
  ghost_reach_before = comm->cutghostuser;
  comm->cutghostuser = ghost_reach = reach;
}

/* ---------------------------------------------------------------------- */

void PairLES::release_ghost_cutoff()
{
  if (ghost_reach > 0.0 && comm->cutghostuser == ghost_reach)
    comm->cutghostuser = ghost_reach_before;
  ghost_reach = 0.0;
}

/* ----------------------------------------------------------------------
   message of what the network throws. What LAMMPS throws has been said: ranks agree between the layers
------------------------------------------------------------------------- */

std::string PairLES::attempt(const std::function<void()> &action)
{
  try {
    action();
  } catch (const LAMMPSException &) {
    throw;
  } catch (const std::exception &e) {
    return e.what();
  }
  return "";
}

/* ----------------------------------------------------------------------
   forward pass on the graph of the present step; throws
------------------------------------------------------------------------- */

void PairLES::evaluate_network()
{
  model->evaluator->forward(model->graph, model->exchange.get());
}

/* ----------------------------------------------------------------------
   atom->q of ghosts
------------------------------------------------------------------------- */

void PairLES::send_charges()
{
  comm->forward_comm(this, 1);
}

/* ---------------------------------------------------------------------- */

int PairLES::pack_forward_comm(int n, int *list, double *buf, int /*pbc_flag*/, int * /*pbc*/)
{
  if (!model->rows) {
    for (int i = 0; i < n; i++) buf[i] = atom->q[list[i]];
    return n;
  }
  const int words = words_per_row(*model->rows);
  for (int i = 0; i < n; i++) {
    const auto node = model->graph.node[list[i]];
    if (node >= 0)
      std::memcpy(buf + i * words, row_of(*model->rows, node), model->rows->bytes_per_row());
  }
  return n * words;
}

/* ---------------------------------------------------------------------- */

void PairLES::unpack_forward_comm(int n, int first, double *buf)
{
  if (!model->rows) {
    for (int i = 0; i < n; i++) atom->q[first + i] = buf[i];
    return;
  }
  const int words = words_per_row(*model->rows);
  for (int i = 0; i < n; i++) {
    const auto node = model->graph.node[first + i];
    if (node >= 0)
      std::memcpy(row_of(*model->rows, node), buf + i * words, model->rows->bytes_per_row());
  }
}

/* ---------------------------------------------------------------------- */

int PairLES::pack_reverse_comm(int n, int first, double *buf)
{
  const int words = words_per_row(*model->rows);
  for (int i = 0; i < n; i++) {
    const auto node = model->graph.node[first + i];
    if (node >= 0)
      std::memcpy(buf + i * words, row_of(*model->rows, node), model->rows->bytes_per_row());
  }
  return n * words;
}

/* ---------------------------------------------------------------------- */

void PairLES::unpack_reverse_comm(int n, int *list, double *buf)
{
  const int words = words_per_row(*model->rows);
  for (int i = 0; i < n; i++) {
    const auto node = model->graph.node[list[i]];
    if (node < 0) continue;
    if (model->rows->in_double)
      add_row<double>(*model->rows, node, buf + i * words);
    else
      add_row<float>(*model->rows, node, buf + i * words);
  }
}
