// SPDX-License-Identifier: MIT
// The evaluator on arrays of its device, here the memory of numpy arrays, and the lengths of such arrays.

#include "array_evaluator.h"

#include "core/evaluator.h"
#include "core/growth_policy.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace py = pybind11;
using namespace pair_les;

namespace {

using Integers = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>;
using Doubles = py::array_t<double, py::array::c_style | py::array::forcecast>;

// Keeps the arrays of the last forward() alive, as its contract asks for.
struct Evaluation {
  std::unique_ptr<Evaluator> evaluator;
  Integers species, index;
  py::array vectors;
  std::vector<double> energy, charge;
  std::int64_t n_edges = 0;

  Evaluation(const std::string &path, int chunk_atoms, std::int64_t tape_bytes,
             const std::string &device)
  {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot open model file '" + path + "'");
    const std::string archive(std::istreambuf_iterator<char>(file), {});
    std::string error;
    EvaluatorOptions options;
    options.chunk_atoms = chunk_atoms;
    options.tape_bytes = tape_bytes;
    options.device.name = device;
    evaluator.reset(pair_les_create_evaluator(path, archive, options, error));
    if (!evaluator) throw std::runtime_error(error);
  }

  // `row` elements lie between the centers and the neighbors of edge_index [2, row]
  void forward(const Integers &species_of_node, const Integers &edge_index,
               const Doubles &edge_vectors, std::int64_t n_local)
  {
    species = species_of_node;
    index = edge_index;
    n_edges = edge_vectors.shape(0);
    if (evaluator->double_precision())
      vectors = edge_vectors;
    else
      vectors = py::array_t<float, py::array::c_style | py::array::forcecast>(edge_vectors);
    energy.assign(static_cast<std::size_t>(n_local), 0.0);
    charge.assign(static_cast<std::size_t>(n_local), 0.0);
    DeviceGraph graph;
    graph.n_local = n_local;
    graph.n_nodes = species.size();
    graph.n_edges = n_edges;
    graph.species = species.data();
    graph.center = index.data();
    graph.neighbor = index.data() + index.shape(1);
    graph.edge_vectors = vectors.data();
    const py::gil_scoped_release no_gil; // torch's autograd engine insists
    evaluator->forward(graph, energy.data(), charge.data());
  }

  py::array_t<double> backward(const Doubles &potential)
  {
    const double *const data = potential.data();
    const void *result = nullptr;
    {
      const py::gil_scoped_release no_gil;
      evaluator->backward(data);
      result = evaluator->device_edge_gradient();
    }
    py::array_t<double> gradient({n_edges, std::int64_t(3)});
    for (std::int64_t k = 0; k < 3 * n_edges; ++k)
      gradient.mutable_data()[k] = evaluator->double_precision()
                                       ? static_cast<const double *>(result)[k]
                                       : static_cast<const float *>(result)[k];
    return gradient;
  }

  // The same evaluator on a graph of the host, as computes of les/kk use it: energy and edge gradient.
  std::pair<std::vector<double>, std::vector<double>>
  evaluate_on_host(const Integers &species_of_node, const Integers &edge_index,
                   const Doubles &edge_vectors, std::int64_t n_local, const Doubles &potential)
  {
    Graph host;
    host.n_local = n_local;
    host.species.assign(species_of_node.data(), species_of_node.data() + species_of_node.size());
    const std::int64_t *const rows = edge_index.data();
    const auto n = edge_vectors.shape(0);
    host.center.assign(rows, rows + n);
    host.neighbor.assign(rows + n, rows + 2 * n);
    host.edge_vectors.assign(edge_vectors.data(), edge_vectors.data() + 3 * n);
    const double *const seed = potential.data();
    const py::gil_scoped_release no_gil;
    evaluator->forward(host, nullptr);
    evaluator->backward(seed);
    return {evaluator->energy(), evaluator->edge_gradient()};
  }
};

} // namespace

void bind_array_evaluator(py::module_ &m)
{
  m.def("capacity_for", &capacity_for, py::arg("needed"), py::arg("present"));
  py::class_<Evaluation>(m, "ArrayEvaluator")
      .def(py::init<const std::string &, int, std::int64_t, const std::string &>(), py::arg("path"),
           py::arg("chunk_atoms") = EvaluatorOptions().chunk_atoms,
           py::arg("tape_bytes") = EvaluatorOptions().tape_bytes, py::arg("device") = "cpu")
      .def("forward", &Evaluation::forward, py::arg("species"), py::arg("edge_index"),
           py::arg("edge_vectors"), py::arg("n_local"))
      .def("backward", &Evaluation::backward, py::arg("potential"))
      .def("evaluate_on_host", &Evaluation::evaluate_on_host, py::arg("species"),
           py::arg("edge_index"), py::arg("edge_vectors"), py::arg("n_local"), py::arg("potential"))
      .def_property_readonly(
          "energy", [](const Evaluation &e) { return py::array(e.energy.size(), e.energy.data()); })
      .def_property_readonly("charge", [](const Evaluation &e) {
        return py::array(e.charge.size(), e.charge.data());
      });
}
