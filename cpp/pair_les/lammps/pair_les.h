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

#include <string>

namespace LAMMPS_NS {

class PairLES : public Pair {
 public:
  PairLES(class LAMMPS *);
  ~PairLES() override;

  void compute(int, int) override;
  void settings(int, char **) override;
  void coeff(int, char **) override;
  void init_style() override;
  double init_one(int, int) override;
  void *extract(const char *, int &) override;
  void *extract_peratom(const char *, int &) override;
  double memory_usage() override;
  int pack_forward_comm(int, int *, double *, int, int *) override;
  void unpack_forward_comm(int, int, double *) override;

  // second phase, called by FixLESBackward once kspace has run;
  // adds forces to atom->f and the virial of the edges to the arrays given (nullptr: not wanted)
  void backward_from_kspace(double *virial, double **vatom, double **cvatom);

  // for the computes of this package, of the charges of the present step
  static PairLES *with_charges(class LAMMPS *);
  double latent_charge(int) const;
  void add_born_charges(double **);
  void add_polarization_phase(int, double *) const;
  bool projects_charges() const;

 protected:
  struct Model; // evaluator, graph and what the model file says
  Model *model;
  enum { NONE, KSPACE, DIRECT } solver; // what turns charges into a potential
  bool split;         // kspace chooses g_ewald, a pair sum makes up the difference
  double cut_coul;    // angstrom, real-space cutoff reported to kspace
  double energy_unit; // LAMMPS energy units per eV
  double charge_unit; // atom->q per latent charge: makes qqrd2e of LAMMPS the constant of the model

  class FixLESBackward *fix_backward;
  class Compute *kspace_energy; // asks kspace for per-atom energies on every step
  double gewald_set;            // g_ewald that this style gave to kspace
  bool gewald_decided;          // during a kspace->init() of this style
  double tabulated_gewald;      // g_ewald of the table of split mode; 0 before there is one
  double sized_charge_square;   // sum of q^2 and volume that the mesh of kspace was sized for
  double sized_volume;

  void allocate();
  void read_model(const char *);
  void map_types(int, char **);
  void create_internal_styles();
  void delete_internal_styles();

  void request_neighbors();
  void check_setup();
  void check_kspace();
  void check_charges();
  void check_msm();
  void prepare_gewald();
  void set_gewald(double);
  void modify_kspace(std::string, std::string);
  void release_gewald();

  int response_keyword(int, char **);
  void check_response();
  void update_field();
  double field_potential(int) const;
  void compute_field();

  void stop_on_failure(const std::string &);
  void build_graph();
  void tally_energies();

  double kspace_volume() const;
  double potential_correction(double) const;
  void update_charges();
  void size_mesh();
  bool cap_gewald();
  void init_kspace();
  void tabulate_split();
  void compute_split();
  void compute_direct();
  void tally_pair_sum(double);
  void update_potential();
  void scatter_edge_gradient(double *virial, double **vatom, double **cvatom);
};

} // namespace LAMMPS_NS

#endif
#endif
