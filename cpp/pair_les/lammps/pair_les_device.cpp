/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   pair_style les: where torch evaluates the network. On a GPU edges go there and gradients come back on each
   step; pair_style les/kk has them there.
------------------------------------------------------------------------- */

#include "pair_les.h"

#include "comm.h"
#include "error.h"

#include "core_library.h"
#include "pair_les_model.h"

#include <cstring>

using namespace LAMMPS_NS;

namespace {

// cpu, cuda, or cuda: and a number
bool is_device(const std::string &word)
{
  if (word == "cpu" || word == "cuda") return true;
  return utils::strmatch(word, "^cuda:\\d+$") && word.size() < sizeof("cuda:") + 2;
}

int rank_in_node(MPI_Comm world)
{
  MPI_Comm node;
  int rank;
  MPI_Comm_split_type(world, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
  MPI_Comm_rank(node, &rank);
  MPI_Comm_free(&node);
  return rank;
}

} // namespace

/* ----------------------------------------------------------------------
   number of words taken; 0 for another keyword
------------------------------------------------------------------------- */

int PairLES::device_keyword(int narg, char **arg)
{
  if (strcmp(arg[0], "device") != 0) return 0;
  const std::string name = (narg < 2) ? "" : arg[1];
  if (!is_device(name))
    error->all(FLERR,
               "pair_style les device is '{}' but must be cpu, cuda or cuda:N with a GPU N counted "
               "from 0; type 'pair_style les device cuda'",
               name);
  model->device = {name, rank_in_node(world), "type 'pair_style les' without 'device'"};
  return 2;
}

/* ---------------------------------------------------------------------- */

void PairLES::load_model(const std::string &archive)
{
  pair_les::EvaluatorOptions options;
  options.threads = comm->nthreads;
  options.device = model->device;
  model->evaluator = pair_les::create_evaluator(model->file, archive, options);
}
