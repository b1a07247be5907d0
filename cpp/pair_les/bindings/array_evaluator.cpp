// SPDX-License-Identifier: MIT
// The evaluator over arrays of a device, here the memory of numpy arrays, and the lengths of such arrays.

#include "array_evaluator.h"

#include "core/array_evaluator.h"
#include "core/growth_policy.h"

#include <pybind11/numpy.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace py = pybind11;
using namespace pair_les;

namespace {

using Integers = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>;
using Doubles = py::array_t<double, py::array::c_style | py::array::forcecast>;

// Keeps the arrays of the last forward() alive, as its contract asks for.
struct Evaluation {
  std::unique_ptr<ArrayEvaluator> evaluator;
  Integers species, index, first_edge;
  py::array vectors;
  std::vector<double> energy, charge;
  std::int64_t n_edges = 0;

  Evaluation(const std::string &path, int chunk_atoms, const std::string &device)
  {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot open model file '" + path + "'");
    const std::string archive(std::istreambuf_iterator<char>(file), {});
    std::string error;
    ArrayEvaluatorOptions options;
    options.chunk_atoms = chunk_atoms;
    options.device.name = device;
    evaluator.reset(pair_les_create_array_evaluator(path, archive, options, error));
    if (!evaluator) throw std::runtime_error(error);
  }

  // `row` elements lie between the centres and the neighbours of edge_index [2, row]
  void forward(const Integers &species_of_node, const Integers &edge_index,
               const Doubles &edge_vectors, std::int64_t n_local, const Integers &first)
  {
    species = species_of_node;
    index = edge_index;
    first_edge = first;
    n_edges = edge_vectors.shape(0);
    if (evaluator->double_precision())
      vectors = edge_vectors;
    else
      vectors = py::array_t<float, py::array::c_style | py::array::forcecast>(edge_vectors);
    energy.assign(static_cast<std::size_t>(n_local), 0.0);
    charge.assign(static_cast<std::size_t>(n_local), 0.0);
    GraphArrays graph;
    graph.n_local = n_local;
    graph.n_nodes = species.size();
    graph.n_edges = n_edges;
    graph.species = species.data();
    graph.centre = index.data();
    graph.neighbour = index.data() + index.shape(1);
    graph.first_edge = first_edge.data();
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
      result = evaluator->backward(data);
    }
    py::array_t<double> gradient({n_edges, std::int64_t(3)});
    for (std::int64_t k = 0; k < 3 * n_edges; ++k)
      gradient.mutable_data()[k] = evaluator->double_precision()
                                       ? static_cast<const double *>(result)[k]
                                       : static_cast<const float *>(result)[k];
    return gradient;
  }
};

} // namespace

void bind_array_evaluator(py::module_ &m)
{
  m.def("capacity_for", &capacity_for, py::arg("needed"), py::arg("present"));
  py::class_<Evaluation>(m, "ArrayEvaluator")
      .def(py::init<const std::string &, int, const std::string &>(), py::arg("path"),
           py::arg("chunk_atoms") = ArrayEvaluatorOptions().chunk_atoms, py::arg("device") = "cpu")
      .def("forward", &Evaluation::forward, py::arg("species"), py::arg("edge_index"),
           py::arg("edge_vectors"), py::arg("n_local"), py::arg("first_edge"))
      .def("backward", &Evaluation::backward, py::arg("potential"))
      .def_property_readonly(
          "energy", [](const Evaluation &e) { return py::array(e.energy.size(), e.energy.data()); })
      .def_property_readonly("charge", [](const Evaluation &e) {
        return py::array(e.charge.size(), e.charge.data());
      });
}
