// SPDX-License-Identifier: GPL-2.0-only

#include "les_messages.h"

#include "atom.h"
#include "comm.h"
#include "error.h"
#include "force.h"
#include "neighbor.h"
#include "pair.h"

#include "les_failure.h"

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

// Rows lie in memory of the host, also where the pair style has other data on a device.
class OnHost {
 public:
  OnHost(Pair *pair) : pair(pair), space(pair->execution_space) { pair->execution_space = Host; }
  ~OnHost() { pair->execution_space = space; }

 private:
  Pair *const pair;
  const ExecutionSpace space;
};

} // namespace

LESMessages::LESMessages(LAMMPS *lmp, Pair *pair, const pair_les::Graph &graph, bool preferred) :
    lmp(lmp), pair(pair), graph(graph), preferred(preferred)
{
  pair->comm_forward = 1;
}

LESMessages::~LESMessages()
{
  release_ghost_cutoff();
}

int LESMessages::keyword(int narg, char **arg)
{
  if (strcmp(arg[0], "message_passing") != 0) return 0;
  const std::string choice = (narg > 1) ? arg[1] : "";
  if (choice != "communicate" && choice != "recompute")
    lmp->error->all(
        FLERR,
        "pair_style les message_passing is '{}' but must be communicate or recompute; type "
        "'pair_style les' for the better one that the model file allows",
        choice);
  asked = choice == "communicate" ? COMMUNICATE : RECOMPUTE;
  return 2;
}

void LESMessages::choose(const pair_les::Metadata &metadata, const std::string &file)
{
  pair->comm_forward = 1;
  pair->comm_reverse = 0;
  if (asked != AUTO && metadata.message_passing_layers == 0)
    lmp->error->all(
        FLERR,
        "pair_style les message_passing is for networks with message-passing layers, but "
        "model file '{}' has none; remove it",
        file);
  const bool cut = !metadata.message_features.empty();
  if (asked == COMMUNICATE && !cut)
    lmp->error->all(
        FLERR,
        "pair_style les message_passing communicate is not possible with model file '{}', which is "
        "not cut at its layers (no message_features); type 'pair_style les message_passing "
        "recompute', or export the model again with 'pair-les export'",
        file);
  communicated = cut && (asked == COMMUNICATE || (asked == AUTO && preferred));
  layers = communicated ? 0 : metadata.message_passing_layers;
  const int most =
      cut ? *std::max_element(metadata.message_features.begin(), metadata.message_features.end())
          : 0;
  if (lmp->comm->me == 0 && metadata.message_passing_layers > 0)
    utils::logmesg(lmp, "  messages of ghost atoms: {}\n",
                   communicated ? fmt::format("communicated, {} numbers per atom", most)
                                : fmt::format("computed again, ghosts within {} cutoffs",
                                              1 + metadata.message_passing_layers));
  if (!communicated) return;

  pair->comm_forward = words_per_row({nullptr, most, metadata.dtype == "float64"});
  pair->comm_reverse = pair->comm_forward;
}

// Recomputed messages: the neighbors of a local atom are centers, too, and those that are ghosts
// need theirs.
void LESMessages::request_neighbors(double cutoff, const std::string &file)
{
  release_ghost_cutoff();
  if (layers == 0) {
    lmp->neighbor->add_request(pair, NeighConst::REQ_FULL);
    // pair_style hybrid looked at its styles before they had read their models
    lmp->force->pair->comm_forward = std::max(lmp->force->pair->comm_forward, pair->comm_forward);
    lmp->force->pair->comm_reverse = std::max(lmp->force->pair->comm_reverse, pair->comm_reverse);
    return;
  }
  if (lmp->comm->mode != Comm::SINGLE)
    lmp->error->all(
        FLERR,
        "model file '{}' has message-passing layers and needs one cutoff for all ghosts; "
        "type 'comm_modify mode single'",
        file);
  lmp->neighbor->add_request(pair, NeighConst::REQ_FULL | NeighConst::REQ_GHOST);
  const double reach = (1 + layers) * cutoff + lmp->neighbor->skin;
  if (lmp->comm->cutghostuser >= reach) return;
  user_cutoff = lmp->comm->cutghostuser;
  lmp->comm->cutghostuser = ghost_cutoff = reach;
}

void LESMessages::release_ghost_cutoff()
{
  if (ghost_cutoff > 0.0 && lmp->comm->cutghostuser == ghost_cutoff)
    lmp->comm->cutghostuser = user_cutoff;
  ghost_cutoff = 0.0;
}

void LESMessages::send_charges()
{
  lmp->comm->forward_comm(pair, 1);
}

void LESMessages::agree(const std::string &failure)
{
  stop_on_failure(lmp, failure);
}

void LESMessages::forward(const NodeRows &messages)
{
  const OnHost on_host(pair);
  rows = &messages;
  lmp->comm->forward_comm(pair, words_per_row(messages));
  rows = nullptr;
}

void LESMessages::reverse(const NodeRows &messages)
{
  const OnHost on_host(pair);
  rows = &messages;
  lmp->comm->reverse_comm(pair, words_per_row(messages));
  rows = nullptr;
}

// Message of atom i, if it is in the model.
void LESMessages::pack_row(int i, double *words) const
{
  const auto node = graph.node[i];
  if (node >= 0) std::memcpy(words, row_of(*rows, node), rows->bytes_per_row());
}

int LESMessages::pack_forward(int n, const int *list, double *buf) const
{
  const int words = rows ? words_per_row(*rows) : 1;
  for (int i = 0; i < n; i++)
    if (rows)
      pack_row(list[i], buf + i * words);
    else
      buf[i] = lmp->atom->q[list[i]];
  return n * words;
}

void LESMessages::unpack_forward(int n, int first, const double *buf)
{
  if (!rows) {
    std::copy_n(buf, n, lmp->atom->q + first);
    return;
  }
  const int words = words_per_row(*rows);
  for (int i = 0; i < n; i++) {
    const auto node = graph.node[first + i];
    if (node >= 0) std::memcpy(row_of(*rows, node), buf + i * words, rows->bytes_per_row());
  }
}

int LESMessages::pack_reverse(int n, int first, double *buf) const
{
  const int words = words_per_row(*rows);
  for (int i = 0; i < n; i++) pack_row(first + i, buf + i * words);
  return n * words;
}

void LESMessages::unpack_reverse(int n, const int *list, const double *buf)
{
  const int words = words_per_row(*rows);
  for (int i = 0; i < n; i++) {
    const auto node = graph.node[list[i]];
    if (node < 0) continue;
    if (rows->in_double)
      add_row<double>(*rows, node, buf + i * words);
    else
      add_row<float>(*rows, node, buf + i * words);
  }
}
