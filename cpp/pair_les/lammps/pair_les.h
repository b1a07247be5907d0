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

#include <functional>
#include <string>
#include <vector>

namespace pair_les {
struct Equilibrium;
struct LongRangeTask;
} // namespace pair_les

namespace LAMMPS_NS {

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

  // second phase, called by FixLESBackward once kspace has run;
  // adds forces to atom->f and the virial of the edges to the arrays given (nullptr: not wanted)
  void backward_from_kspace(double *virial, double **vatom, double **cvatom);

  class KSpaceBox *const kspace_box; // whether kspace->setup() has been called for the present box

  // called by FixLESBackward: times are those of the steps, without the setup
  void start_timing();

  // called by FixLESBackward after a run: what the pair sum took
  void finish_run();

  // for the computes of this package, of the charges of the present step
  static PairLES *with_charges(class LAMMPS *);
  static PairLES *with_committee(class LAMMPS *);
  double latent_charge(int) const;
  void add_born_charges(double **);
  void add_polarization_phase(int, double *) const;
  bool projects_charges() const;
  bool equilibrates() const;
  static constexpr int HISTORY = 4; // steps whose equilibrated charges are kept

  // charges, potentials and graph where code for the host finds them; a style that keeps them elsewhere copies them
  virtual void bring_home() {}

  // forward pass of the present step once more, for what differentiates it
  void evaluate_again();

  // for compute les/committee/atom: evaluate_again() first, then the networks one by one
  int n_members() const;
  void add_member_forces(int member, double **forces);
  std::vector<double> member_charges(int member) const;

 protected:
  struct Model;   // evaluator, graph and what the model file says
  class Messages; // of ghosts, between the layers of its network
  Model *model;
  enum { NONE, KSPACE, DIRECT } solver; // what turns charges into a potential
  bool mesh_auto;    // order and differentiation of pppm chosen here unless the user has
  bool split;        // kspace chooses g_ewald, a pair sum makes up the difference
  bool cutoff_auto;  // that cutoff is chosen at init, for least time
  bool auto_matched; // and matched mode was found to be best
  double cut_coul;   // angstrom, real-space cutoff reported to kspace
  double
      ghost_reach; // ghost cutoff that this style asked for, because its network sees ghosts of ghosts; 0: none
  double ghost_reach_before;
  double energy_unit; // LAMMPS energy units per eV
  double charge_unit; // atom->q per latent charge: makes qqrd2e of LAMMPS the constant of the model

  class FixLESBackward *fix_backward;
  class Compute *kspace_energy; // asks kspace for per-atom energies on every step
  bool pairs_listed;            // the pair list of split mode is that of the present neighbor list
  double pair_sum_seconds;      // of split mode, this process, in this run
  bool mesh_chosen; // order, differentiation and points of the mesh are those of this style:
  int chosen_order, chosen_differentiation, planned_points[3]; // no points: kspace finds them
  bool mesh_reported;         // its estimated error is in the log of this run
  double gewald_set;          // g_ewald that this style gave to kspace
  bool gewald_decided;        // during a kspace->init() of this style
  double tabulated_gewald;    // g_ewald of the table of split mode; 0 before there is one
  double sized_charge_square; // sum of q^2 and volume that the mesh of kspace was sized for
  double sized_volume;

  void allocate();
  void read_model(const char *);
  void map_types(int, char **);
  virtual void load_model(const std::string &archive);
  virtual void create_internal_styles();
  void delete_internal_styles();

  void request_neighbors();
  void check_setup();
  void check_hidden_neighbors();
  void check_list_size();
  void watch_charges();
  void check_watched_charges();
  void check_other_styles();
  void check_internal_styles();
  void check_kspace();
  void check_charges();
  void check_msm();
  void prepare_gewald();
  void choose_mesh();
  void choose_cutoff();
  bool plans_points() const;
  void plan_mesh(double charge_square);
  double occupied_volume() const;
  double planned_gewald(const pair_les::LongRangeTask &) const;
  pair_les::LongRangeTask long_range_task(double charge_square) const;
  double present_charge_square() const;
  bool has_planned_points() const;
  void set_points(int, int, int);
  void release_points();
  void release_mesh();
  bool refine_solver();
  void measure_errors(class KSpaceProbe &);
  std::vector<double> forces_of_errors(const class KSpaceProbe &, const std::vector<double> &);
  double error_ratio() const;
  bool plan_finer();
  void plan_vectors(double charge_square);
  void set_vectors(int, int, int);
  void release_vectors();
  std::vector<double> solver_settings() const;
  void report_solver();
  void warn_of_errors(const char *unit);
  double error_of_random_charges() const;
  void set_gewald(double);
  void modify_kspace(std::string, std::string);
  void release_gewald();

  const double *charge_gradient(const double *);
  void add_born_of_edges(double *);
  void add_born_of_weights(int, bool, double *);
  int device_keyword(int, char **);
  int response_keyword(int, char **);
  void check_response();
  void check_charge_state();
  void update_field();

  int mass_keyword(int, char **);
  void check_masses();

  int message_keyword(int, char **);
  void choose_message_passing();
  void release_ghost_cutoff();
  void evaluate_network();
  static std::string attempt(const std::function<void()> &);
  void send_charges();

  int equilibration_keyword(int, char **);
  void check_equilibration();
  void create_charge_history();
  void delete_charge_history();
  double **charge_history() const;
  std::vector<double> guessed_charges() const;
  void compare_extrapolations(const std::vector<double> &);
  static double extrapolated(const double *history, int steps);
  void remember_charges(const std::vector<double> &);
  void equilibrate_charges();
  void check_equilibrium(const pair_les::Equilibrium &, const std::vector<double> &);
  void potential_of_charges(const std::vector<double> &, std::vector<double> &);
  virtual void compute_kspace_alone();
  void sum_split();
  void sum_directly();
  void build_preconditioner(const std::vector<double> &);
  void precondition(const std::vector<double> &, std::vector<double> &);
  void count_iterations(const pair_les::Equilibrium &, bool again);
  void start_counting();
  void report_equilibration();
  double field_potential(int) const;
  void stop_on_failure(const std::string &);
  double shift_of_charges(double local_sum, int n_local);
  double kspace_volume() const;
  double potential_correction(double) const;
  bool size_mesh();
  const double *backward_seed() const;
  double charge_energy(int) const;
  void tally_atom(int, double);
  bool cap_gewald();
  void report_cap(double g_ewald);
  void compute_split();
  double split_background() const;
  void tally_pair_sum_of_atoms(double background);
  std::string not_finite(const char *) const;
  virtual std::string too_close();

  // stands in for a charge of exactly zero, for which 2 e_i / q_i has no value; any size is exact to
  // rounding because e_i is proportional to q_i
  static constexpr double TINY_CHARGE = 1.0e-100;

  void add_edge_forces(const double *gradient, double *virial, double **vatom, double **cvatom);

  virtual bool can_communicate() const { return true; } // messages between the layers

  // kspace may be called for a comparison: charges and forces are where the host looks for them
  virtual bool can_measure_errors() const { return true; }

  // angstrom: an error of forces, times this, is one of the energy per atom
  static constexpr double ENERGY_LENGTH = 1.0;

  // what reads and writes data of atoms and edges, of local ones unless said otherwise
  virtual void update_lists();
  virtual void build_graph();
  virtual void run_forward();
  virtual void tally_energies();
  virtual double reference_energy() const;
  virtual void compute_field();
  virtual void update_charges();
  virtual void init_kspace();
  virtual void tabulate_split();
  virtual void clear_pair_sum();
  virtual void sum_pairs();
  virtual void compute_direct();
  virtual void tally_pair_sum(double background);
  virtual void update_potential();
  virtual void scatter_edge_gradient(double *virial, double **vatom, double **cvatom);
};

} // namespace LAMMPS_NS

#endif
#endif
