// SPDX-License-Identifier: GPL-2.0-only
// What the computes of this package ask about the charges of the present step: Born effective
// charges, phases of the polarization, and the networks of a committee one by one.

#ifndef PAIR_LES_LAMMPS_LES_RESPONSE_H
#define PAIR_LES_LAMMPS_LES_RESPONSE_H

#include "pointers.h"

#include "les_charges.h"
#include "les_electrodes.h"
#include "les_long_range.h"
#include "les_network.h"

#include <string>
#include <vector>

namespace LAMMPS_NS {

class LESResponse : protected Pointers {
 public:
  LESResponse(class LAMMPS *lmp, LESNetwork &network, LESCharges &charges, LESLongRange &long_range,
              const LESElectrodes &electrodes) :
      Pointers(lmp), electrodes(electrodes), network(network), charges(charges),
      long_range(long_range)
  {}

  const LESElectrodes &electrodes;

  // Forward pass of the present step once more, whose tape the backward pass has used up, with
  // everything on the host. Collective.
  void evaluate_again();

  // Uncertainties of a model that has them: of the energies of the local atoms, [nlocal] eV (collective), and of their forces,
  // [nlocal] eV/angstrom, from the squares of the former of local atoms and ghosts.
  double energy_unit() const { return network.energy_unit(); } // energies of LAMMPS per eV
  bool has_uncertainty() const { return network.loaded() && network.metadata().uncertainty; }
  std::vector<double> energy_uncertainty();
  std::vector<double> force_uncertainty(const double *variance) const;

  std::string
  element_of_type(int type) const; // as the model names it; X for one that it does not see

  bool equilibrates() const { return network.equilibrates(); }
  double charge(int i) const { return charges.values()[i]; } // latent, of local atom i, e

  // Add latent Born effective charges, [nlocal + nghost][9] e, direction of the polarization first.
  // The caller adds the rows of ghosts to those of the atoms they are images of. Collective.
  void add_born_charges(double **born);

  // Add the share of local atom i to real and imaginary part of P_g, six numbers; q s_g where not
  // periodic.
  void add_polarization_phase(int i, double *sum) const;

  // Forces of the energies and charges of one network in the potential of the mean charges, on
  // ghosts too, after evaluate_again(). What the mesh does to the charges directly is common to all
  // networks. Collective.
  int n_members() const { return network.n_members(); }
  void add_member_forces(int member, double **forces);
  std::vector<double> member_charge(int member) const;

 private:
  void require_present_step(); // everything of it on the host

  LESNetwork &network;
  LESCharges &charges;
  LESLongRange &long_range;

  void add_born_of_edges(double *born);
  void add_born_of_weights(int direction, bool cosine, double *born);
};

} // namespace LAMMPS_NS

#endif
