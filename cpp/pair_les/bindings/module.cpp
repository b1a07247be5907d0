// SPDX-License-Identifier: MIT
// pair_les._core: the C++ core as numpy-in, numpy-out functions, so that pytest reaches every kernel.

#include "array_evaluator.h"

#include "core/atomic_masses.h"
#include "core/charge_equilibration.h"
#include "core/constants.h"
#include "core/edges.h"
#include "core/evaluator.h"
#include "core/long_range.h"
#include "core/metadata.h"
#include "core/sampled_ewald.h"
#include "core/split_table.h"
#include "core/torch_device.h"
#include "core/transfer_preconditioner.h"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>

namespace py = pybind11;
using namespace pair_les;

namespace {

using Integers = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>;
using Doubles = py::array_t<double, py::array::c_style | py::array::forcecast>;

py::array_t<double> to_array(const std::vector<double> &values)
{
  return py::array_t<double>(static_cast<py::ssize_t>(values.size()), values.data());
}

// Potential and field [n, 4] at points [n, 4] from charges [m, 4], rows x, y, z, q.
py::array_t<double> sampled_ewald(const Cell &cell, double g_ewald, double precision,
                                  const std::vector<double> &points,
                                  const std::vector<double> &charges)
{
  const SampledEwald sum(cell, g_ewald, precision);
  double total = 0.0;
  for (std::size_t n = 3; n < charges.size(); n += 4) total += charges[n];
  std::vector<double> result(points.size(), 0.0);
  sum.add_pairs(points, charges, result);
  sum.add_reciprocal(points, sum.structure_factors(charges), total, result);
  return to_array(result);
}

py::array_t<double> beyond_cutoff(const Cell &cell, double g_ewald,
                                  const std::vector<double> &points,
                                  const std::vector<double> &charges, double sigma, double cutoff)
{
  std::vector<double> result(points.size(), 0.0);
  SampledEwald(cell, g_ewald, 1e-6).add_beyond_cutoff(points, charges, sigma, cutoff, result);
  return to_array(result);
}

// Graph from the tensors of the contract.
Graph make_graph(const Integers &species, const Integers &edge_index, const Doubles &edge_vectors,
                 std::int64_t n_local)
{
  if (edge_index.ndim() != 2 || edge_index.shape(0) != 2 || edge_vectors.ndim() != 2 ||
      edge_vectors.shape(1) != 3 || edge_vectors.shape(0) != edge_index.shape(1))
    throw std::invalid_argument("edge_index must be [2, n_edges] and edge_vectors [n_edges, 3]");
  const auto n_edges = edge_index.shape(1);
  Graph graph;
  graph.n_local = n_local;
  graph.species.assign(species.data(), species.data() + species.size());
  graph.atom.resize(graph.species.size());
  for (std::size_t i = 0; i < graph.atom.size(); ++i) graph.atom[i] = static_cast<int>(i);
  graph.center.assign(edge_index.data(), edge_index.data() + n_edges);
  graph.neighbor.assign(edge_index.data() + n_edges, edge_index.data() + 2 * n_edges);
  graph.edge_vectors.assign(edge_vectors.data(), edge_vectors.data() + 3 * n_edges);
  return graph;
}

// build_graph() on lists of neighbors per center, as LAMMPS would hand them over.
py::dict build_graph_from_lists(const Doubles &positions, const std::vector<int> &species_of_atom,
                                int n_local, const std::vector<int> &centers,
                                const std::vector<std::vector<int>> &neighbors, int index_mask,
                                double cutoff)
{
  const int n_all = static_cast<int>(species_of_atom.size());
  std::vector<const double *> x(n_all);
  for (int i = 0; i < n_all; ++i) x[i] = positions.data() + 3 * i;
  std::vector<int> counts(n_all, 0);
  std::vector<const int *> lists(n_all, nullptr);
  for (std::size_t k = 0; k < centers.size(); ++k) {
    counts.at(centers[k]) = static_cast<int>(neighbors.at(k).size());
    lists.at(centers[k]) = neighbors[k].data();
  }
  std::vector<int *> mutable_lists;
  for (const int *entries : lists) mutable_lists.push_back(const_cast<int *>(entries));

  Graph graph;
  const FullNeighborList list{static_cast<int>(centers.size()), centers.data(), counts.data(),
                              mutable_lists.data(), index_mask};
  build_graph(x.data(), species_of_atom.data(), n_local, n_all, list, cutoff, graph);
  py::dict result;
  result["n_local"] = graph.n_local;
  result["species"] = graph.species;
  result["atom"] = graph.atom;
  result["center"] = graph.center;
  result["neighbor"] = graph.neighbor;
  result["edge_vectors"] = to_array(graph.edge_vectors).reshape({-1, 3});
  return result;
}

std::unique_ptr<Evaluator> load_evaluator(const std::string &path, int threads, int chunk_atoms,
                                          std::int64_t tape_bytes, const std::string &device)
{
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot open model file '" + path + "'");
  const std::string archive(std::istreambuf_iterator<char>(file), {});
  std::string error;
  EvaluatorOptions options;
  options.threads = threads;
  options.chunk_atoms = chunk_atoms;
  options.tape_bytes = tape_bytes;
  options.device.name = device;
  std::unique_ptr<Evaluator> evaluator(pair_les_create_evaluator(path, archive, options, error));
  if (!evaluator) throw std::runtime_error(error);
  return evaluator;
}

// Types from 1 on, all atoms of each with one mass.
std::vector<TypeMass> type_masses(const std::vector<std::string> &elements,
                                  const std::vector<double> &masses)
{
  std::vector<TypeMass> types;
  for (std::size_t t = 0; t < masses.size(); ++t)
    types.push_back({static_cast<int>(t) + 1, elements.at(t), masses[t], masses[t]});
  return types;
}

void bind_metadata(py::module_ &m)
{
  py::class_<LongRange>(m, "LongRange")
      .def(py::init(
               [](double sigma, double coulomb_constant, bool self_interaction, bool neutralize) {
                 return LongRange{sigma, coulomb_constant, self_interaction, neutralize};
               }),
           py::arg("sigma"), py::arg("coulomb_constant") = COULOMB_CONSTANT,
           py::arg("self_interaction") = false, py::arg("neutralize") = false)
      .def_readonly("sigma", &LongRange::sigma)
      .def_readonly("coulomb_constant", &LongRange::coulomb_constant)
      .def_readonly("self_interaction", &LongRange::self_interaction)
      .def_readonly("neutralize", &LongRange::neutralize)
      .def_property_readonly("equilibrates", &LongRange::equilibrates);
  py::class_<Metadata>(m, "Metadata")
      .def_readonly("species", &Metadata::species)
      .def_readonly("cutoff", &Metadata::cutoff)
      .def_readonly("message_passing_layers", &Metadata::message_passing_layers)
      .def_readonly("message_features", &Metadata::message_features)
      .def_readonly("dtype", &Metadata::dtype)
      .def_readonly("long_range", &Metadata::long_range)
      .def_readonly("description", &Metadata::description)
      .def_readonly("references", &Metadata::references)
      .def_readonly("reference_energies", &Metadata::reference_energies)
      .def("species_index", &Metadata::species_index)
      .def("nearest_species", &Metadata::nearest_species);
  m.def(
      "mass_contradiction",
      [](const std::vector<std::string> &elements, const std::vector<double> &masses) {
        const auto found = find_contradiction(type_masses(elements, masses));
        return py::make_tuple(found.type, found.mass, found.other);
      },
      py::arg("elements"), py::arg("masses"));
  m.def(
      "elements_of_masses",
      [](const std::vector<double> &masses, const std::vector<std::string> &species) {
        const std::vector<std::string> unknown(masses.size());
        return elements_of_masses(type_masses(unknown, masses), species);
      },
      py::arg("masses"), py::arg("species"));
  m.def("parse_metadata", &parse_metadata, py::arg("json_text"), py::arg("file"));
}

// Messages within one process: node n_local + g is an image of node images[g].
class ImageExchange : public MessageExchange {
 public:
  ImageExchange(std::int64_t n_local, std::vector<std::int64_t> images) :
      n_local_(n_local), images_(std::move(images))
  {}

  void agree(const std::string &failure) override
  {
    if (!failure.empty()) throw std::runtime_error(failure);
  }
  void forward(const NodeRows &rows) override
  {
    const auto size = rows.bytes_per_row();
    auto *const data = static_cast<char *>(rows.data);
    for (std::size_t g = 0; g < images_.size(); ++g)
      std::memcpy(data + (n_local_ + g) * size, data + images_[g] * size, size);
  }
  void reverse(const NodeRows &rows) override
  {
    if (rows.in_double)
      add<double>(rows);
    else
      add<float>(rows);
  }

 private:
  template <class Real> void add(const NodeRows &rows)
  {
    auto *const data = static_cast<Real *>(rows.data);
    for (std::size_t g = 0; g < images_.size(); ++g)
      for (int k = 0; k < rows.width; ++k)
        data[images_[g] * rows.width + k] += data[(n_local_ + g) * rows.width + k];
  }

  std::size_t n_local_;
  std::vector<std::int64_t> images_;
};

void bind_evaluator(py::module_ &m)
{
  py::class_<ImageExchange>(m, "ImageExchange")
      .def(py::init<std::int64_t, std::vector<std::int64_t>>(), py::arg("n_local"),
           py::arg("images"));
  m.def(
      "gpu_index",
      [](const std::string &device, int node_rank, int found) {
        TorchDevice wanted;
        wanted.name = device;
        wanted.node_rank = node_rank;
        return gpu_index(wanted, found);
      },
      py::arg("device"), py::arg("node_rank"), py::arg("found"));
  py::class_<Evaluator>(m, "Evaluator")
      .def(py::init(&load_evaluator), py::arg("path"), py::arg("threads") = 1,
           py::arg("chunk_atoms") = EvaluatorOptions().chunk_atoms,
           py::arg("tape_bytes") = EvaluatorOptions().tape_bytes, py::arg("device") = "cpu")
      .def_property_readonly("metadata", &Evaluator::metadata,
                             py::return_value_policy::reference_internal)
      .def(
          "forward",
          [](Evaluator &self, const Integers &species, const Integers &edge_index,
             const Doubles &edge_vectors, std::int64_t n_local, ImageExchange *exchange) {
            const Graph graph = make_graph(species, edge_index, edge_vectors, n_local);
            const py::gil_scoped_release no_gil; // torch's autograd engine insists
            self.forward(graph, exchange);
          },
          py::arg("species"), py::arg("edge_index"), py::arg("edge_vectors"), py::arg("n_local"),
          py::arg("exchange") = py::none(), py::keep_alive<1, 6>())
      .def(
          "backward",
          [](Evaluator &self, const std::optional<Doubles> &potential) {
            const double *const data = potential ? potential->data() : nullptr;
            const py::gil_scoped_release no_gil;
            self.backward(data);
          },
          py::arg("potential") = py::none())
      .def(
          "charge_gradient",
          [](Evaluator &self, const Doubles &weight) {
            const double *const data = weight.data();
            const py::gil_scoped_release no_gil;
            self.charge_gradient(data);
          },
          py::arg("weight"))
      .def_property_readonly("energy",
                             [](const Evaluator &self) { return to_array(self.energy()); })
      .def_property_readonly("charge",
                             [](const Evaluator &self) { return to_array(self.charge()); })
      .def_property_readonly(
          "electronegativity",
          [](const Evaluator &self) { return to_array(self.electronegativity()); })
      .def_property_readonly("hardness",
                             [](const Evaluator &self) { return to_array(self.hardness()); })
      .def_property_readonly("edge_gradient", [](const Evaluator &self) {
        return to_array(self.edge_gradient()).reshape({-1, 3});
      });
}

// equilibrate() of one process with a dense matrix, preconditioned by a graph of local atoms only.
py::dict equilibrate_densely(const Doubles &electronegativity, const Doubles &hardness,
                             const Doubles &curvature, const Doubles &interaction,
                             double total_charge, const Doubles &start, const Integers &edge_index,
                             const Doubles &edge_vectors, double length, double cutoff, double lone,
                             double tolerance, int max_iterations)
{
  using Vector = std::vector<double>;
  const auto vector = [](const Doubles &array) {
    return Vector(array.data(), array.data() + array.size());
  };
  const auto n = static_cast<std::size_t>(hardness.size());
  const Graph graph = make_graph(Integers(std::vector<py::ssize_t>{hardness.size()}), edge_index,
                                 edge_vectors, static_cast<std::int64_t>(n));
  TransferPreconditioner preconditioner;
  preconditioner.build(graph, vector(curvature), length, cutoff, lone);
  preconditioner.set_mobilities(preconditioner.mobility().data());

  ChargeEnergy energy;
  energy.electronegativity = vector(electronegativity);
  energy.hardness = vector(hardness);
  energy.curvature = vector(curvature);
  energy.totals = {total_charge};
  energy.potential = [&](const Vector &charge, Vector &potential) {
    for (std::size_t i = 0; i < n; ++i) {
      const double *const row = interaction.data() + i * n;
      potential[i] = std::inner_product(row, row + n, charge.begin(), 0.0);
    }
  };
  energy.precondition = [&](const Vector &residual, Vector &correction) {
    Vector message(n);
    for (std::size_t i = 0; i < n; ++i) message[i] = preconditioner.message(i, residual[i]);
    preconditioner.apply(residual, message.data(), correction);
  };
  energy.sum = energy.largest = [](double mine) { return mine; };

  Vector charge = vector(start);
  const auto found = equilibrate(energy, tolerance, max_iterations, charge);
  py::dict result;
  result["charge"] = to_array(charge);
  result["converged"] = found.outcome == Equilibrium::converged;
  result["positive_definite"] = found.outcome != Equilibrium::not_positive_definite;
  result["iterations"] = found.iterations;
  result["error"] = found.error;
  result["chemical_potential"] = found.chemical_potential[0];
  return result;
}

void bind_long_range(py::module_ &m)
{
  const auto pair = [](const ValueAndDerivative &d) {
    return py::make_tuple(d.value, d.derivative);
  };
  m.attr("COULOMB_CONSTANT") = COULOMB_CONSTANT;
  m.def("sampled_ewald", &sampled_ewald, py::arg("cell"), py::arg("g_ewald"), py::arg("precision"),
        py::arg("points"), py::arg("charges"));
  m.def("beyond_cutoff", &beyond_cutoff, py::arg("cell"), py::arg("g_ewald"), py::arg("points"),
        py::arg("charges"), py::arg("sigma"), py::arg("cutoff"));
  m.def("g_ewald_from_sigma", &g_ewald_from_sigma, py::arg("sigma"));
  m.def("self_energy_factor", &self_energy_factor, py::arg("settings"));
  m.def("lowest_hardness", &lowest_hardness, py::arg("settings"));
  m.def("equilibrate", &equilibrate_densely, py::arg("electronegativity"), py::arg("hardness"),
        py::arg("curvature"), py::arg("interaction"), py::arg("total_charge"), py::arg("start"),
        py::arg("edge_index"), py::arg("edge_vectors"), py::arg("length"), py::arg("cutoff"),
        py::arg("lone"), py::arg("tolerance"), py::arg("max_iterations"));
  m.def("background_energy", &background_energy, py::arg("total_charge"), py::arg("volume"),
        py::arg("settings"));
  m.def("potential_correction", &potential_correction, py::arg("charge"), py::arg("total_charge"),
        py::arg("volume"), py::arg("settings"));
  m.def(
      "smeared_coulomb",
      [pair](double r, double sigma, double k_e) { return pair(smeared_coulomb(r, sigma, k_e)); },
      py::arg("r"), py::arg("sigma"), py::arg("k_e"));
  m.def(
      "split_pair_potential",
      [pair](double r, double sigma, double g, double k_e) {
        return pair(split_pair_potential(r, sigma, g, k_e));
      },
      py::arg("r"), py::arg("sigma"), py::arg("g_ewald"), py::arg("k_e"));
  m.def("split_background_virial", &split_background_virial, py::arg("total_charge"),
        py::arg("volume"), py::arg("settings"), py::arg("g_ewald"));

  py::class_<SplitTable>(m, "SplitTable")
      .def(py::init([](const LongRange &settings, double g_ewald, double cutoff) {
             auto table = std::make_unique<SplitTable>();
             const auto difference = [=](double r) {
               return split_pair_potential(r, settings.sigma, g_ewald, settings.coulomb_constant);
             };
             table->build(difference, cutoff);
             return table;
           }),
           py::arg("settings"), py::arg("g_ewald"), py::arg("cutoff"))
      .def("__call__",
           [pair](const SplitTable &table, double r_squared) { return pair(table(r_squared)); })
      .def_property_readonly("relative_error", &SplitTable::relative_error);
}

} // namespace

PYBIND11_MODULE(_core, m)
{
  m.doc() = "C++ core of pair_les: metadata, graphs, two-phase evaluation, long-range split.";
  m.def("built_with_torch", &pair_les_built_with_torch);
  bind_metadata(m);
  bind_evaluator(m);
  bind_long_range(m);
  bind_array_evaluator(m);
  m.def("build_graph", &build_graph_from_lists, py::arg("positions"), py::arg("species_of_atom"),
        py::arg("n_local"), py::arg("centers"), py::arg("neighbors"), py::arg("index_mask"),
        py::arg("cutoff"));
}
