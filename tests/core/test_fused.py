# SPDX-License-Identifier: MIT
"""The fused operators against their pure-torch twins: values, gradients, gradients of gradients, every instruction set."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tolerances
import torch
from pair_les.installation import fused_operators as fused
from pair_les.net import LESNet, NetSettings
from pair_les.net.angular import harmonics_from_monomials
from pair_les.net.density import density
from pair_les.net.products import degree_averages, invariants, product_quadrature

CUTOFF = 5.0
DTYPES = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
TOLERANCES = {torch.float64: tolerances.FUSED_FLOAT64, torch.float32: tolerances.FUSED_FLOAT32}

assert fused.load(), "the core library is not installed"
OPS = torch.ops.pair_les


def neighborhoods(n_local: int, n_species: int, most: int, dtype: torch.dtype, seed: int = 0):
    """Edge vectors (some at and beyond the cutoff), centers and neighbor species of atoms with 0 to `most` neighbors."""
    generator = torch.Generator().manual_seed(seed)
    counts = torch.randint(0, most + 1, (n_local,), generator=generator)
    center = torch.repeat_interleave(torch.arange(n_local), counts)
    species = torch.randint(0, n_species, center.shape, generator=generator)
    vectors = torch.randn(len(center), 3, generator=generator, dtype=torch.float64)
    length = 0.7 + (1.05 * CUTOFF - 0.7) * torch.rand(
        len(center), 1, generator=generator, dtype=torch.float64
    )
    vectors = vectors / vectors.norm(dim=1, keepdim=True) * length
    return vectors.to(dtype).requires_grad_(True), center, species


def twice_differentiated(function, x: torch.Tensor) -> list[torch.Tensor]:
    """Value, gradient of a weighted sum, and both gradients of a weighted sum of that gradient."""
    generator = torch.Generator().manual_seed(1)
    value = function()
    weight = torch.randn(value.shape, dtype=x.dtype, generator=generator).requires_grad_(True)
    (gradient,) = torch.autograd.grad((value * weight).sum(), x, create_graph=True)
    direction = torch.randn(x.shape, dtype=x.dtype, generator=generator)
    return [value, gradient, *torch.autograd.grad((gradient * direction).sum(), (weight, x))]


def assert_same(found: list[torch.Tensor], expected: list[torch.Tensor], dtype: torch.dtype) -> None:
    names = ("value", "gradient", "second gradient to the weights", "second gradient to the input")
    for name, mine, other in zip(names, found, expected, strict=True):
        assert mine.shape == other.shape
        scale = max(1.0, other.abs().max().item()) if other.numel() else 1.0
        difference = (mine - other).abs().max().item() if other.numel() else 0.0
        assert difference < TOLERANCES[dtype] * scale, f"{name}: {difference:.1e} of {scale:.1e}"


def density_forms(l_max: int, n_radial: int, n_species: int, n_local: int, most: int, dtype: torch.dtype):
    """x, fused and twin densities as functions of nothing."""
    vectors, center, species = neighborhoods(n_local, n_species, most, dtype)
    harmonics = torch.tensor(harmonics_from_monomials(l_max), dtype=dtype)

    def twin() -> torch.Tensor:
        a = density(vectors, center, species, n_local, n_species, harmonics, CUTOFF, n_radial, l_max)
        return a.permute(3, 0, 1, 2).reshape((l_max + 1) ** 2, n_local, n_species * n_radial)

    def operator() -> torch.Tensor:
        return OPS.density(vectors, center, species, harmonics, n_local, n_species, CUTOFF, n_radial)

    return vectors, operator, twin


def product_forms(l_max: int, body_order: int, n_atoms: int, n_channels: int, dtype: torch.dtype):
    """x, fused and twin invariants as functions of nothing."""
    generator = torch.Generator().manual_seed(3)
    mixed = torch.randn((l_max + 1) ** 2, n_atoms, n_channels, dtype=dtype, generator=generator)
    mixed.requires_grad_(True)
    even, odd, weights = (torch.tensor(table, dtype=dtype) for table in product_quadrature(l_max, body_order))
    average = torch.tensor(degree_averages(l_max), dtype=dtype)

    def twin() -> torch.Tensor:
        x = invariants(mixed, average, even, odd, weights, body_order)
        return x.permute(1, 0, 2).reshape(n_atoms, x.size(0) * n_channels)

    return mixed, lambda: OPS.products(mixed, even, odd, weights, body_order), twin


@DTYPES
@pytest.mark.parametrize("l_max", [1, 2, 3])
@pytest.mark.parametrize(
    "n_radial, n_species, n_local, most", [(8, 2, 20, 90), (5, 3, 7, 30), (11, 1, 3, 20), (16, 4, 2, 9)]
)
def test_density_equals_its_twin(l_max, n_radial, n_species, n_local, most, dtype):
    x, operator, twin = density_forms(l_max, n_radial, n_species, n_local, most, dtype)
    assert_same(twice_differentiated(operator, x), twice_differentiated(twin, x), dtype)


def test_density_with_the_most_radial_functions():
    """In float64 only: the second derivative of sin(64 pi x) amplifies roundings of x a thousandfold, in both forms."""
    x, operator, twin = density_forms(3, 64, 2, 5, 20, torch.float64)
    assert_same(twice_differentiated(operator, x), twice_differentiated(twin, x), torch.float64)


@DTYPES
@pytest.mark.parametrize("l_max", [1, 2, 3])
@pytest.mark.parametrize("body_order", [3, 4, 5])
@pytest.mark.parametrize("n_channels", [32, 21, 1])
def test_products_equal_their_twin(l_max, body_order, n_channels, dtype):
    x, operator, twin = product_forms(l_max, body_order, 5, n_channels, dtype)
    assert_same(twice_differentiated(operator, x), twice_differentiated(twin, x), dtype)


@pytest.mark.parametrize("n_local, most", [(0, 0), (1, 0), (4, 0), (1, 1)])
def test_sizes_that_vanish(n_local, most):
    x, operator, _ = density_forms(2, 4, 2, n_local, most, torch.float64)
    value, gradient, *second = twice_differentiated(operator, x)
    assert value.shape == (9, n_local, 8) and gradient.shape == x.shape and second[1].shape == x.shape
    x, operator, twin = product_forms(2, 5, n_local, 3, torch.float64)
    assert_same(twice_differentiated(operator, x), twice_differentiated(twin, x), torch.float64)


@pytest.mark.parametrize("l_max", [1, 3])
def test_derivatives_by_differences(l_max):
    """gradcheck and gradgradcheck: independent of the twins."""
    vectors, center, species = neighborhoods(3, 2, 4, torch.float64)
    inside = (
        (vectors.norm(dim=1) < 0.95 * CUTOFF).nonzero().view(-1)
    )  # smooth to second order only at the cutoff
    vectors = vectors.detach()[inside].requires_grad_(True)
    harmonics = torch.tensor(harmonics_from_monomials(l_max))

    def of_vectors(v: torch.Tensor) -> torch.Tensor:
        return OPS.density(v, center[inside], species[inside], harmonics, 3, 2, CUTOFF, 3)

    assert torch.autograd.gradcheck(of_vectors, vectors) and torch.autograd.gradgradcheck(of_vectors, vectors)
    even, odd, weights = (torch.tensor(table) for table in product_quadrature(l_max, 5))
    mixed = torch.randn((l_max + 1) ** 2, 2, 2, dtype=torch.float64, requires_grad=True)

    def of_mixed(f: torch.Tensor) -> torch.Tensor:
        return OPS.products(f, even, odd, weights, 5)

    assert torch.autograd.gradcheck(of_mixed, mixed) and torch.autograd.gradgradcheck(of_mixed, mixed)


@pytest.mark.slow
def test_operators_keep_the_rules_of_torch():
    """opcheck: schema, autograd registration, shapes of the Meta kernels, dynamic shapes."""
    vectors, center, species = neighborhoods(4, 2, 6, torch.float64)
    harmonics = torch.tensor(harmonics_from_monomials(2))
    torch.library.opcheck(OPS.density.default, (vectors, center, species, harmonics, 4, 2, CUTOFF, 3))
    tables = [torch.tensor(table) for table in product_quadrature(2, 5)]
    mixed = torch.randn(9, 4, 5, dtype=torch.float64, requires_grad=True)
    torch.library.opcheck(OPS.products.default, (mixed, *tables, 5))


@pytest.mark.parametrize(
    "change, text",
    [
        (lambda v, c, s, h: (v, c.flip(0), s, h), "centers must be sorted"),
        (lambda v, c, s, h: (v, c + 4, s, h), "below n_local = 4"),
        (lambda v, c, s, h: (v, c - 1, s, h), r"center\[0\] = -1: centers must be sorted, not negative"),
        (lambda v, c, s, h: (v, c, s + 2, h), "must be from 0 to 1"),
        (lambda v, c, s, h: (v, c, s, h.float()), "harmonics is"),
        (lambda v, c, s, h: (v, c, s, h[:3]), "harmonics must be"),
        (lambda v, c, s, h: (v[:, :2], c, s, h), "edge_vectors must be"),
        (lambda v, c, s, h: (v, c[1:], s, h), "center must be int64"),
    ],
)
def test_wrong_arguments_are_refused(change, text):
    vectors, center, species = neighborhoods(4, 2, 9, torch.float64)
    harmonics = torch.tensor(harmonics_from_monomials(2))
    with pytest.raises(RuntimeError, match=text):
        OPS.density(*change(vectors.detach(), center, species, harmonics), 4, 2, CUTOFF, 3)


OTHERS = [
    str(Path(__file__).with_name(f"test_fused_{name}.py")) for name in ("convolution", "elements", "messages")
]
INSTRUCTION_SETS = ("baseline", "avx2", "avx512")


def supported(name: str) -> bool:
    """Whether this processor has the instruction set; where the system does not tell, only the baseline."""
    try:
        flags = open("/proc/cpuinfo").read()
    except OSError:
        flags = ""
    needed = {
        "baseline": [],
        "avx2": ["avx2", "fma"],
        "avx512": ["avx512f", "avx512dq", "avx512vl", "avx512bw"],
    }
    return all(f" {flag} " in flags.replace("\n", " ") for flag in needed[name])


@pytest.mark.slow
@pytest.mark.skipif("PAIR_LES_INSTRUCTION_SET" in os.environ, reason="runs inside the next test")
@pytest.mark.parametrize("name", INSTRUCTION_SETS)
def test_every_instruction_set(name):
    """The tests above in a process with other kernels than the best ones, which this process has used."""
    if not supported(name):
        pytest.skip(f"this processor does not have {name}")
    if name == max(filter(supported, INSTRUCTION_SETS), key=INSTRUCTION_SETS.index):
        pytest.skip(f"{name} is what this process used")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", __file__, *OTHERS, "-k", "twin or vanish"],
        env={**os.environ, "PAIR_LES_INSTRUCTION_SET": name},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout[-3000:]


@pytest.mark.slow
@pytest.mark.parametrize("variable, value", [("PAIR_LES_INSTRUCTION_SET", "sse9"), ("PAIR_LES_FUSED", "yes")])
def test_unknown_choices_are_refused(variable, value):
    program = (
        "import torch; from pair_les.installation import fused_operators; fused_operators.load();"
        "torch.ops.pair_les.products(torch.zeros(4, 1, 1), torch.zeros(1, 1), torch.zeros(1, 3), torch.zeros(1, 1), 3)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, variable: value},
        capture_output=True,
        text=True,
    )
    assert run.returncode != 0 and f"{variable} = {value}: must be" in run.stderr


@pytest.mark.slow
def test_a_second_copy_of_the_library_does_no_harm(tmp_path):
    """LAMMPS may bring one of its own into a process that has the one of Python."""
    copy = tmp_path / "libother.so"
    shutil.copy(fused.library(), copy)
    program = (
        "import sys, torch; from pair_les.installation import fused_operators; fused_operators.load();"
        "torch.ops.load_library(sys.argv[1]); print(torch.ops.pair_les.density.default)"
    )
    run = subprocess.run([sys.executable, "-c", program, str(copy)], capture_output=True, text=True)
    assert run.returncode == 0 and "pair_les.density" in run.stdout, run.stderr[-2000:]


BROUGHT = """
import ctypes, sys, torch
from pair_les.installation import fused_operators as fused
fused.load()

Address, Integer = ctypes.c_void_p, ctypes.c_int64
FirstEdges = ctypes.CFUNCTYPE(None, Address, Integer, Integer, Address, Address)
Products = ctypes.CFUNCTYPE(None, Address, Address, Address, Address)

@FirstEdges
def first_edges(*arguments): ...

@Products
def products(table, mixed, invariants, stream):
    print("brought:", stream)
    ctypes.memset(invariants, 0, 4 * 4 * 2)

# one for indices; density and products forward and backward in float, double
kernels = (Address * 9)()
kernels[0], kernels[5] = (ctypes.cast(function, Address) for function in (first_edges, products))
use = ctypes.CDLL(str(fused.library())).pair_les_use_device_kernels
use.argtypes = (Address, ctypes.c_bool)
use(kernels, sys.argv[1] == "gpu")
f, rows = torch.ones(4, 1, 2), (torch.ones(1, 1), torch.ones(1, 3), torch.ones(1, 1))
"""
"""Python in place of kokkos/: one kernel that writes zeros, and that stands for a GPU or for the CPU."""


def brought(where: str, program: str) -> str:
    run = subprocess.run(
        [sys.executable, "-c", BROUGHT + program, where], capture_output=True, text=True, timeout=300
    )
    return run.stdout + run.stderr


@pytest.mark.slow
def test_kernels_that_are_brought_for_the_cpu_are_the_ones_called():
    program = "print(torch.ops.pair_les.products(f, *rows, 5).tolist())"
    assert brought("cpu", program) == f"brought: None\n{[[0.0] * 8]}\n"
    assert "brought" not in brought("gpu", program)


@pytest.mark.slow
def test_second_derivatives_are_the_cores_on_a_cpu_and_refused_on_a_gpu():
    """No GPU is needed to ask the dispatcher for what it would call there."""
    program = """
g = torch.ones(1, 8)
for op, arguments in (
    (torch.ops.pair_les.products_double_backward, (f, g, f, *rows, 5)),
    (torch.ops.pair_les.density_double_backward, (torch.ones(2, 3), torch.ones(4, 1, 2), torch.ones(2, 3),
     torch.zeros(2, dtype=torch.int64), torch.zeros(2, dtype=torch.int64), torch.eye(4), 1, 1, 4.0, 2, True)),
):
    op(*arguments)
    try:
        op.default.redispatch(torch._C.DispatchKeySet(torch._C.DispatchKey.CUDA), *arguments)
    except RuntimeError as error:
        print(error)
"""
    text = brought("gpu", program)
    assert text.count("second derivatives on a CPU only; set PAIR_LES_FUSED=0 in the environment") == 2, text


@DTYPES
def test_the_network_is_the_same_in_both_forms(dtype):
    """Energies, charges, forces and a gradient of forces to the weights."""
    torch.manual_seed(0)
    net = LESNet(["O", "H"], NetSettings(cutoff=CUTOFF), charge=True).to(dtype)
    vectors, center, _ = neighborhoods(9, 2, 30, dtype)
    species = torch.randint(0, 2, (9,))
    edge_index = torch.stack([center, torch.randint(0, 9, center.shape)])
    results = []
    for net.fused in (True, False):
        energy, charge = net.interaction(species, edge_index, vectors, 9)
        (gradient,) = torch.autograd.grad(energy.sum() + charge.square().sum(), vectors, create_graph=True)
        weights = torch.autograd.grad(gradient.square().sum(), list(net.parameters()))
        results.append([energy, charge, gradient, torch.cat([w.reshape(-1) for w in weights])])
    assert_same(results[0], results[1], dtype)
