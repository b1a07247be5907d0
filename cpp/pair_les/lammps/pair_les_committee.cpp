/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   pair_style les: the networks of a committee one by one, for compute les/committee/atom.
------------------------------------------------------------------------- */

#include "pair_les.h"

#include "atom.h"
#include "error.h"
#include "force.h"

#include "pair_les_model.h"

using namespace LAMMPS_NS;

/* ----------------------------------------------------------------------
   the one pair style with several networks, also among others in hybrid/overlay; nullptr if there is none
------------------------------------------------------------------------- */

PairLES *PairLES::with_committee(LAMMPS *lmp)
{
  PairLES *found = nullptr;
  Pair *last = nullptr;
  for (int k = 1;; k++) {
    auto *const candidate = lmp->force->pair_match("^les", 0, k);
    if (!candidate || candidate == last) return found;
    last = candidate;
    auto *const pair = dynamic_cast<PairLES *>(candidate);
    if (!pair || pair->n_members() < 2) continue;
    if (found)
      lmp->error->all(FLERR,
                      "two pair_style les have a model of several networks, and compute "
                      "les/committee/atom is for one; use a model of one network for the other");
    found = pair;
  }
}

/* ---------------------------------------------------------------------- */

int PairLES::n_members() const
{
  return model->evaluator ? model->metadata().committee : 1;
}

/* ----------------------------------------------------------------------
   forces of the energies and charges of one network in the potential of the mean charges;
   on ghosts too. What the mesh does to the charges directly is common to all networks.
------------------------------------------------------------------------- */

void PairLES::add_member_forces(int member, double **forces)
{
  stop_on_failure(attempt([&] {
    model->evaluator->member_gradient(member, solver == NONE ? nullptr : model->phi.data());
  }));

  const auto &graph = model->graph;
  const double *g = model->evaluator->edge_gradient().data();
  for (bigint e = 0; e < graph.n_edges(); e++, g += 3) {
    double *const fi = forces[graph.atom[graph.centre[e]]];
    double *const fj = forces[graph.atom[graph.neighbour[e]]];
    for (int d = 0; d < 3; d++) {
      fi[d] += energy_unit * g[d];
      fj[d] -= energy_unit * g[d];
    }
  }
}

/* ----------------------------------------------------------------------
   latent charges of one network, of the local atoms; 0 for a model without charges
------------------------------------------------------------------------- */

std::vector<double> PairLES::member_charges(int member) const
{
  std::vector<double> charges(atom->nlocal, 0.0);
  const auto of_nodes = model->evaluator->member_charge(member);
  for (std::size_t node = 0; node < of_nodes.size(); node++)
    charges[model->graph.atom[node]] = of_nodes[node];
  return charges;
}
