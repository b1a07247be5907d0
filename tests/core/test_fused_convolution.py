# SPDX-License-Identifier: MIT
"""The operators of converted networks against their twins; test_fused.py runs these with every instruction set, too."""

from __future__ import annotations

import math

import pytest
import tolerances
import torch
from neighborhoods import CUTOFF, neighborhoods
from pair_les.convert.fused.contraction import contraction
from pair_les.convert.fused.convolution import convolution, monomials, table_weights
from pair_les.convert.fused.radial_table import tabulate
from pair_les.installation import fused_operators as fused

DTYPES = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
TOLERANCES = {torch.float64: tolerances.FUSED_FLOAT64, torch.float32: tolerances.FUSED_FLOAT32}
SCALARS = [(0, 0), (0, 1), (0, 2), (0, 3)]
VECTORS = [(0, 0), (1, 0), (0, 1), (1, 1), (1, 2)]
TENSORS = [(2, 0), (2, 2), (3, 1), (1, 3), (3, 3)]

assert fused.load(), "the core library is not installed"
OPS = torch.ops.pair_les


def convolution_inputs(paths, l_max, channels, n_local, n_atoms, most, dtype, n_tables=1, nearest=None):
    """Arguments of the operator: random couplings, and random tables of functions of order 1 at the cutoff."""
    vectors, center, neighbor = neighborhoods(n_local, n_atoms, most, dtype)
    if nearest is not None and len(vectors) > 0:
        vectors[0] = torch.tensor([nearest, 0.0, 0.0])
    generator = torch.Generator().manual_seed(1)
    n_sent = (max(sent for sent, _ in paths) + 1) ** 2
    entries = sum((2 * sent + 1) * (2 * received + 1) for sent, received in paths)
    messages = torch.randn(n_atoms, n_sent, channels, dtype=dtype, generator=generator)
    table = torch.randn(n_tables, 7, 4, len(paths), channels, dtype=dtype, generator=generator)
    of_edge = torch.randint(0, n_tables, (len(center) if n_tables > 1 else 0,), generator=generator)
    couplings = torch.randn(entries, (l_max + 1) ** 2, dtype=dtype, generator=generator)
    couplings[:, ::3] = 0.0
    return [
        vectors.requires_grad_(True),
        center,
        neighbor,
        messages.requires_grad_(True),
        table,
        of_edge,
        couplings,
        torch.tensor(paths),
        n_local,
        CUTOFF,
    ]


def contraction_inputs(n_densities, n_outputs, n_atoms, channels, dtype):
    generator = torch.Generator().manual_seed(3)
    terms = [(o, n_densities, n_densities, o % n_densities) for o in range(n_outputs)]
    for output in range(n_outputs):
        pairs = torch.randint(0, n_densities, (6, 2), generator=generator).tolist()
        for pair in pairs:
            i, j = sorted(pair)
            terms += [(output, i, j, n_densities), *((output, i, j, k) for k in range(j, n_densities, 2))]
    terms = torch.tensor(sorted(set(terms)))
    densities = torch.randn(n_densities, n_atoms, channels, dtype=dtype, generator=generator)
    coefficients = torch.randn(3, len(terms), channels, dtype=dtype, generator=generator)
    species = torch.randint(0, 3, (n_atoms,), generator=generator)
    return [densities.requires_grad_(True), species, coefficients, terms, n_outputs]


def differentiated(function, arguments) -> list[torch.Tensor]:
    """Value, and gradients of a weighted sum."""
    value = function(*arguments)
    weight = torch.randn(value.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    inputs = [x for x in arguments if isinstance(x, torch.Tensor) and x.requires_grad]
    if value.numel() == 0:
        return [value]
    return [value, *torch.autograd.grad((value * weight.to(value.dtype)).sum(), inputs)]


def assert_same(operator, twin, arguments, dtype) -> None:
    found, expected = differentiated(operator, arguments), differentiated(twin, arguments)
    for number, (mine, theirs) in enumerate(zip(found, expected, strict=True)):
        assert mine.shape == theirs.shape
        scale = max(1.0, theirs.abs().max().item()) if theirs.numel() else 1.0
        difference = (mine - theirs).abs().max().item() if theirs.numel() else 0.0
        assert difference < TOLERANCES[dtype] * scale, f"result {number}: {difference:.1e} of {scale:.1e}"


@DTYPES
@pytest.mark.parametrize("paths, l_max", [(SCALARS, 3), (VECTORS, 2), (TENSORS, 1), ([(0, 0)], 1)])
@pytest.mark.parametrize(
    "channels, n_local, n_atoms, most, n_tables", [(16, 9, 12, 40, 1), (48, 4, 6, 90, 3)]
)
def test_convolution_equals_its_twin(paths, l_max, channels, n_local, n_atoms, most, n_tables, dtype):
    arguments = convolution_inputs(paths, l_max, channels, n_local, n_atoms, most, dtype, n_tables)
    assert_same(OPS.convolution, convolution, arguments, dtype)


@pytest.mark.parametrize("nearest", [0.01, 0.3, CUTOFF * 3 / 7, CUTOFF * (1 - 1e-9), CUTOFF, 2 * CUTOFF])
def test_distances_at_knots_and_ends_equal_the_twin(nearest):
    arguments = convolution_inputs(SCALARS, 3, 16, 1, 2, 1, torch.float64, nearest=nearest)
    arguments[1:3] = torch.zeros(1, dtype=torch.int64), torch.ones(1, dtype=torch.int64)
    arguments[0] = torch.tensor([[nearest, 0.0, 0.0]], dtype=torch.float64, requires_grad=True)
    assert_same(OPS.convolution, convolution, arguments, torch.float64)
    if nearest >= CUTOFF:
        assert not OPS.convolution(*arguments).any()


@DTYPES
@pytest.mark.parametrize("n_densities, n_outputs", [(16, 1), (9, 4), (4, 9)])
@pytest.mark.parametrize("n_atoms, channels", [(7, 32), (3, 16)])
def test_contraction_equals_its_twin(n_densities, n_outputs, n_atoms, channels, dtype):
    arguments = contraction_inputs(n_densities, n_outputs, n_atoms, channels, dtype)
    assert_same(OPS.contraction, contraction, arguments, dtype)


@pytest.mark.parametrize("n_local, n_atoms, most", [(0, 0, 0), (1, 1, 0), (4, 9, 0), (1, 3, 1)])
def test_sizes_that_vanish_in_converted_networks(n_local, n_atoms, most):
    arguments = convolution_inputs(VECTORS, 2, 16, n_local, n_atoms, most, torch.float64)
    assert_same(OPS.convolution, convolution, arguments, torch.float64)
    assert_same(
        OPS.contraction, contraction, contraction_inputs(4, 2, n_local, 16, torch.float64), torch.float64
    )


def test_gradients_are_slopes():
    """Of the twin, which the operator equals."""
    arguments = convolution_inputs(VECTORS, 2, 2, 3, 5, 6, torch.float64)
    arguments[0] = (0.9 * arguments[0].detach()).requires_grad_(
        True
    )  # none across the cutoff, where the random table jumps
    inside = arguments[0].detach().norm(dim=1) < 0.98 * CUTOFF
    arguments[:3] = [
        arguments[0].detach()[inside].requires_grad_(True),
        arguments[1][inside],
        arguments[2][inside],
    ]
    function = lambda v, h: convolution(v, *arguments[1:3], h, *arguments[4:])  # noqa: E731
    assert torch.autograd.gradcheck(function, (arguments[0], arguments[3]), nondet_tol=1e-12)
    densities, *rest = contraction_inputs(4, 2, 3, 2, torch.float64)
    assert torch.autograd.gradcheck(lambda a: contraction(a, *rest), densities, nondet_tol=1e-12)


@pytest.mark.parametrize("dtype, knots", [(torch.float64, 512), (torch.float32, 256)])
def test_tables_are_exact_to_rounding(dtype, knots):
    """A function with the wave numbers and the cutoff of a MACE network, and its derivative, between all knots."""

    def function(r: torch.Tensor) -> torch.Tensor:
        x = (r / CUTOFF).unsqueeze(1)
        wave = torch.sin(torch.arange(1, 9) * math.pi * x) / x
        return torch.tanh(0.1 * wave * (1.0 - x) ** 3)

    table = tabulate(function, CUTOFF, dtype)
    assert len(table) <= knots
    distances = torch.linspace(0.5, CUTOFF - 1e-6, 5000, dtype=torch.float64, requires_grad=True)
    knot, weights = table_weights(distances, len(table), CUTOFF)
    found = torch.einsum("nr,nrf->nf", weights, torch.cat([table[knot], table[knot + 1]], 1))
    expected = function(distances)
    slope, exact_slope = (torch.autograd.grad(values.sum(), distances)[0] for values in (found, expected))
    allowed = {torch.float64: 1e-8, torch.float32: 1e-5}[dtype]
    assert (found - expected).abs().max() < 0.01 * allowed and (slope - exact_slope).abs().max() < allowed


def test_a_function_with_a_kink_has_no_table():
    assert (
        tabulate(lambda r: ((r - 2.013).square() + 1e-12).sqrt().unsqueeze(1), CUTOFF, torch.float64) is None
    )


def test_monomials_are_those_of_the_kernels():
    x, y, z = 2.0, 3.0, 5.0
    expected = [1, x, y, x * x, x * y, y * y, z, x * z, y * z]
    assert monomials(torch.tensor([[x, y, z]]), 2)[0].tolist() == expected


@pytest.mark.parametrize(
    "name, place, value, text",
    [
        ("convolution", 3, torch.zeros(3, 1, 8), "multiple of 16"),
        ("convolution", 4, torch.zeros(1, 7, 3, 4, 16), r"table must be \[n_tables, n_knots, 4, 4, 16\]"),
        ("convolution", 5, torch.tensor([1]), r"table_of_edge must be from 0 to 0"),
        ("convolution", 6, torch.zeros(16, 5), r"couplings must be \[16, 4, 9 or 16\]"),
        ("convolution", 7, torch.tensor([[0, 0], [1, 1], [0, 2], [0, 3]]), r"degrees\[1\] = \(1, 1\)"),
        ("contraction", 1, torch.tensor([0, 7, 0]), "species must be from 0 to 2"),
        ("contraction", 3, torch.tensor([[0, 0, 0, 5]] * 4), "coefficients must be"),
    ],
)  # fmt: skip
def test_wrong_arguments_of_converted_networks_are_refused(name, place, value, text):
    if name == "convolution":
        arguments = convolution_inputs(SCALARS, 3, 16, 1, 3, 1, torch.float32)
        arguments[:3] = torch.ones(1, 3), torch.zeros(1, dtype=torch.int64), torch.ones(1, dtype=torch.int64)
    else:
        arguments = contraction_inputs(4, 1, 3, 16, torch.float32)
    arguments[place] = value
    with pytest.raises(RuntimeError, match=text):
        getattr(OPS, name)(*arguments)


def test_second_derivatives_are_refused():
    arguments = convolution_inputs(SCALARS, 3, 16, 2, 3, 4, torch.float64)
    for operator, inputs in (
        (OPS.convolution, arguments),
        (OPS.contraction, contraction_inputs(4, 1, 3, 16, torch.float64)),
    ):
        value = operator(*inputs)
        (gradient,) = torch.autograd.grad(value.square().sum(), inputs[0], create_graph=True)
        with pytest.raises(RuntimeError, match=f"{operator.__name__}: has first derivatives only"):
            torch.autograd.grad(gradient.square().sum(), inputs[0])
