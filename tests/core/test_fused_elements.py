# SPDX-License-Identifier: MIT
"""The fused operators on elements and on edges against their twins; test_fused.py runs these with every instruction set, too."""

from __future__ import annotations

import pytest
import tolerances
import torch
from pair_les.installation import fused_operators as fused
from pair_les.net import LESNet, NetSettings, activations
from pair_les.net.edge_vectors import edge_vectors

DTYPES = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
TOLERANCES = {torch.float64: tolerances.FUSED_FLOAT64, torch.float32: tolerances.FUSED_FLOAT32}
SIZES = [(40, 192), (7, 21), (3, 1), (1, 16), (0, 5), (4, 0)]

assert fused.load(), "the core library is not installed"
OPS = torch.ops.pair_les


def squash_forms(n: int, columns: int, dtype: torch.dtype):
    """x, from 0 to 30 standard deviations; fused and twin functions of it."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, columns, generator=generator, dtype=torch.float64) ** 3
    mean, spread = torch.randn(2, columns, generator=generator, dtype=torch.float64)
    tables = mean.to(dtype), (0.5 + spread.abs()).to(dtype)
    x = x.to(dtype).requires_grad_(True)
    return x, lambda y: OPS.squash(y, *tables), lambda y: activations.squash(y, *tables)


def silu_forms(n: int, columns: int, dtype: torch.dtype):
    """x, from -30 to 30; fused and twin functions of it."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(n, columns, generator=generator, dtype=torch.float64) ** 3
    return x.to(dtype).requires_grad_(True), OPS.silu, torch.nn.functional.silu


FORMS = pytest.mark.parametrize("forms", [squash_forms, silu_forms], ids=["squash", "silu"])


def twice_differentiated(function, *inputs: torch.Tensor) -> list[torch.Tensor]:
    """Value, gradients of a weighted sum, and gradients of a weighted sum of these in the weight and the inputs."""
    generator = torch.Generator().manual_seed(2)
    value = function(*inputs)
    weight = torch.randn(value.shape, dtype=value.dtype, generator=generator).requires_grad_(True)
    gradients = torch.autograd.grad((value * weight).sum(), inputs, create_graph=True)
    total = sum((g * torch.randn(g.shape, dtype=g.dtype, generator=generator)).sum() for g in gradients)
    second = torch.autograd.grad(total, (weight, *inputs), materialize_grads=True, allow_unused=True)
    return [value, *gradients, *second]


def assert_same(found: list[torch.Tensor], expected: list[torch.Tensor], dtype: torch.dtype) -> None:
    for number, (mine, other) in enumerate(zip(found, expected, strict=True)):
        assert mine.shape == other.shape and mine.dtype == other.dtype
        if other.numel():
            scale = max(1.0, other.abs().max().item())
            difference = (mine - other).abs().max().item()
            assert difference < TOLERANCES[dtype] * scale, f"{number}: {difference:.1e} of {scale:.1e}"


@DTYPES
@FORMS
@pytest.mark.parametrize("n, columns", SIZES)
def test_functions_of_elements_equal_their_twins(forms, n, columns, dtype):
    x, operator, twin = forms(n, columns, dtype)
    assert_same(twice_differentiated(operator, x), twice_differentiated(twin, x), dtype)


@FORMS
def test_functions_of_elements_equal_their_twins_where_memory_is_not_in_order(forms):
    x, operator, twin = forms(9, 14, torch.float64)
    turned = x.detach().t().contiguous().t().requires_grad_(True)
    assert not turned.is_contiguous()
    assert_same(twice_differentiated(operator, turned), twice_differentiated(twin, turned), torch.float64)


@FORMS
def test_functions_of_elements_by_differences(forms):
    x, operator, _ = forms(3, 7, torch.float64)
    x = x.detach().clamp(-4.0, 4.0).requires_grad_(True)
    assert torch.autograd.gradcheck(operator, x) and torch.autograd.gradgradcheck(operator, x)


@DTYPES
def test_silu_of_extreme_numbers_equals_its_twin(dtype):
    """Exponentials beyond the largest number, and what is not a number."""
    x = torch.tensor([-1e4, -200.0, -90.0, -20.0, -0.0, 0.0, 20.0, 90.0, 1e4, float("inf")], dtype=dtype)
    assert torch.allclose(
        OPS.silu(x), torch.nn.functional.silu(x), rtol=4 * torch.finfo(dtype).eps, atol=1e-30
    )
    adjoint = OPS.silu_backward(torch.ones_like(x[:-1]), x[:-1])
    expected = torch.ops.aten.silu_backward(torch.ones_like(x[:-1]), x[:-1])
    assert torch.allclose(adjoint, expected, rtol=4 * torch.finfo(dtype).eps, atol=1e-30)
    assert bool(OPS.silu(torch.tensor([float("nan")], dtype=dtype)).isnan().all())


def edges(n_atoms: int, n_edges: int, sorted_: bool, positions: torch.dtype = torch.float64):
    generator = torch.Generator().manual_seed(3)
    center = torch.randint(0, max(n_atoms, 1), (n_edges,), generator=generator)
    neighbor = torch.randint(0, max(n_atoms, 1), (n_edges,), generator=generator)
    x = torch.randn(n_atoms, 3, generator=generator, dtype=torch.float64).to(positions)
    shifts = 5.0 * torch.randint(-1, 2, (n_edges, 3), generator=generator).to(positions)
    index = torch.stack([center.sort().values if sorted_ else center, neighbor])
    return x.requires_grad_(True), index, shifts.requires_grad_(True)


@DTYPES
@pytest.mark.parametrize("positions", [torch.float64, torch.float32], ids=["from64", "from32"])
@pytest.mark.parametrize(
    "n_atoms, n_edges, sorted_", [(20, 300, True), (20, 300, False), (1, 2, True), (3, 0, True), (0, 0, True)]
)
def test_edge_vectors_equal_their_twin(n_atoms, n_edges, sorted_, positions, dtype):
    x, index, shifts = edges(n_atoms, n_edges, sorted_, positions)
    found = twice_differentiated(lambda x, s: OPS.edge_vectors(x, index, s, dtype), x, shifts)
    expected = twice_differentiated(lambda x, s: edge_vectors(x, index, s, dtype), x, shifts)
    lower = torch.float32 if torch.float32 in (positions, dtype) else torch.float64
    assert_same(found, expected, lower)
    if positions == torch.float64:
        assert torch.equal(found[0], expected[0])  # rounded once, like the twin


def test_edge_vectors_without_shifts_and_of_tensors_out_of_order():
    x, index, shifts = edges(6, 40, True)
    turned = x.detach().t().contiguous().t().requires_grad_(True)
    steps = torch.stack([index, index], 2).flatten(1)[:, ::2]
    assert not turned.is_contiguous() and not steps.is_contiguous()
    nothing = torch.zeros_like(shifts)
    found = twice_differentiated(lambda x: OPS.edge_vectors(x, steps, None, torch.float64), turned)
    expected = twice_differentiated(lambda x: edge_vectors(x, index, nothing, torch.float64), turned)
    assert_same(found, expected, torch.float64)


def test_edge_vectors_by_differences():
    x, index, shifts = edges(4, 9, True)

    def vectors(x: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
        return OPS.edge_vectors(x, index, s, torch.float64)

    assert torch.autograd.gradcheck(vectors, (x, shifts)) and torch.autograd.gradgradcheck(
        vectors, (x, shifts)
    )


@pytest.mark.slow
def test_operators_keep_the_rules_of_torch():
    """opcheck: schema, autograd registration, shapes of the Meta kernels, dynamic shapes."""
    x = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
    g, row = torch.randn_like(x), torch.rand(5, dtype=torch.float64) + 0.5
    torch.library.opcheck(OPS.squash.default, (x, row, row))
    torch.library.opcheck(OPS.squash_backward.default, (g, x, row, row))
    torch.library.opcheck(OPS.silu.default, (x,))
    torch.library.opcheck(OPS.silu_backward.default, (g, x))
    positions, index, shifts = edges(4, 9, True)
    torch.library.opcheck(OPS.edge_vectors.default, (positions, index, shifts, torch.float32))
    torch.library.opcheck(OPS.edge_vectors_backward.default, (torch.randn(9, 3), index, 4, torch.float64))


@pytest.mark.parametrize(
    "call, text",
    [
        (lambda: OPS.squash(torch.zeros(3), torch.zeros(3), torch.ones(3)), "x must be"),
        (lambda: OPS.squash(torch.zeros(2, 3), torch.zeros(2), torch.ones(3)), r"must be \[3\] of Float, not \[2\]"),
        (lambda: OPS.squash(torch.zeros(2, 3), torch.zeros(3), torch.ones(3).double()), "of Double"),
        (lambda: OPS.edge_vectors(torch.zeros(2, 2), torch.zeros(2, 1, dtype=torch.int64), None, torch.float32),
         "positions must be"),
        (lambda: OPS.edge_vectors(torch.zeros(2, 3), torch.zeros(2, 1), None, torch.float32), "edge_index must be int64"),
        (lambda: OPS.edge_vectors(torch.zeros(2, 3), torch.full((2, 1), 2), None, torch.float32), "from 0 to 1"),
        (lambda: OPS.edge_vectors(torch.zeros(2, 3), torch.zeros(2, 1, dtype=torch.int64), torch.zeros(2, 3),
                                  torch.float32), "shifts must be"),
        (lambda: OPS.edge_vectors_backward(torch.zeros(1, 3), torch.tensor([[0], [5]]), 2, torch.float32), "atoms 0 and 5 of edge 0"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused(call, text):
    with pytest.raises(RuntimeError, match=text):
        call()


def test_scripts_and_traced_networks_have_no_operator_for_silu():
    """Model files have torch's, which their readers fuse or know."""
    script = torch.jit.script(LESNet(["O", "H"], NetSettings(cutoff=4.0), charge=True))
    text = str(script.inlined_graph)
    assert "pair_les::squash" in text and "pair_les::silu" not in text and "aten::silu" in text
