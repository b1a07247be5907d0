# SPDX-License-Identifier: MIT
"""The fused operators of message passing against their twins; test_fused.py runs these with every instruction set, too."""

from __future__ import annotations

import pytest
import tolerances
import torch
from neighborhoods import CUTOFF, neighborhoods
from pair_les.installation import fused_operators as fused
from pair_les.net import NetSettings, network_class
from pair_les.net.angular import harmonics_from_monomials
from pair_les.net.equivariants import equivariant_tables, find_row_order, invariants_and_products
from pair_les.net.messages import messages
from pair_les.net.products import degree_averages

DTYPES = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
TOLERANCES = {torch.float64: tolerances.FUSED_FLOAT64, torch.float32: tolerances.FUSED_FLOAT32}

assert fused.load(), "the core library is not installed"
OPS = torch.ops.pair_les


def message_forms(l_max, sent, n_radial, channels, n_local, n_atoms, most, dtype, longest=1.05):
    """Inputs, and fused and twin sums as functions of them."""
    vectors, center, neighbor = neighborhoods(n_local, n_atoms, most, dtype, longest)
    generator = torch.Generator().manual_seed(1)
    h = torch.randn(n_atoms, (sent + 1) ** 2, channels, dtype=dtype, generator=generator)
    weights = torch.randn(n_radial, l_max + 2, channels, dtype=dtype, generator=generator)
    harmonics = torch.tensor(harmonics_from_monomials(l_max), dtype=dtype)

    def operator(v, h, w):
        return OPS.messages(v, center, neighbor, h, w, harmonics, n_local, CUTOFF)

    def twin(v, h, w):
        return messages(v, center, neighbor, h, w, harmonics, n_local, CUTOFF, l_max)

    return [x.requires_grad_(True) for x in (vectors, h, weights)], operator, twin


def equivariant_forms(l_max, sent, n_atoms, channels, dtype, with_products=True):
    generator = torch.Generator().manual_seed(3)
    mixed = torch.randn((l_max + 1) ** 2, n_atoms, channels, dtype=dtype, generator=generator)
    tables = [torch.tensor(table, dtype=dtype) for table in equivariant_tables(l_max, sent).values()]
    average = torch.tensor(degree_averages(l_max), dtype=dtype)
    sizes = [2 * degree + 1 for degree in range(l_max + 1)]
    order = torch.tensor(find_row_order(sent))

    def both(x, products):
        return torch.cat([x.reshape(-1), products.reshape(-1)]) if with_products else x

    def operator(f):
        return both(*OPS.equivariants(f, *tables, with_products))

    def twin(f):
        return both(*invariants_and_products(f, average, sizes, *tables, order))

    return [mixed.requires_grad_(True)], operator, twin


def twice_differentiated(function, inputs) -> list[torch.Tensor]:
    """Value, gradients of a weighted sum, and gradients of a weighted sum of these in the weight and the inputs."""
    generator = torch.Generator().manual_seed(2)
    value = function(*inputs)
    weight = torch.randn(value.shape, dtype=value.dtype, generator=generator).requires_grad_(True)
    gradients = torch.autograd.grad((value * weight).sum(), inputs, create_graph=True)
    total = sum((g * torch.randn(g.shape, dtype=g.dtype, generator=generator)).sum() for g in gradients)
    return [value, *gradients, *torch.autograd.grad(total, (weight, *inputs))]


def assert_same(function, other, inputs, dtype: torch.dtype) -> None:
    found, expected = twice_differentiated(function, inputs), twice_differentiated(other, inputs)
    for number, (mine, theirs) in enumerate(zip(found, expected, strict=True)):
        assert mine.shape == theirs.shape
        scale = max(1.0, theirs.abs().max().item()) if theirs.numel() else 1.0
        difference = (mine - theirs).abs().max().item() if theirs.numel() else 0.0
        assert difference < TOLERANCES[dtype] * scale, f"result {number}: {difference:.1e} of {scale:.1e}"


@DTYPES
@pytest.mark.parametrize("l_max, sent", [(1, 1), (2, 1), (2, 2), (3, 1), (3, 2), (3, 3)])
@pytest.mark.parametrize("n_radial, channels, n_local, n_atoms, most", [(8, 16, 9, 12, 40), (5, 5, 4, 6, 90)])
def test_messages_equal_their_twin(l_max, sent, n_radial, channels, n_local, n_atoms, most, dtype):
    inputs, operator, twin = message_forms(l_max, sent, n_radial, channels, n_local, n_atoms, most, dtype)
    assert_same(operator, twin, inputs, dtype)


@DTYPES
@pytest.mark.parametrize("l_max, sent", [(1, 1), (2, 1), (2, 2), (3, 1), (3, 2), (3, 3)])
@pytest.mark.parametrize("channels, with_products", [(32, True), (21, True), (3, False)])
def test_equivariants_equal_their_twin(l_max, sent, channels, with_products, dtype):
    inputs, operator, twin = equivariant_forms(l_max, sent, 5, channels, dtype, with_products)
    assert_same(operator, twin, inputs, dtype)


@pytest.mark.parametrize("n_local, n_atoms, most", [(0, 0, 0), (1, 1, 0), (4, 9, 0), (1, 3, 1)])
def test_sizes_that_vanish(n_local, n_atoms, most):
    inputs, operator, twin = message_forms(2, 1, 4, 3, n_local, n_atoms, most, torch.float64)
    assert_same(operator, twin, inputs, torch.float64)
    if n_local > 0:
        inputs, operator, twin = equivariant_forms(2, 1, n_local, 3, torch.float64)
        assert_same(operator, twin, inputs, torch.float64)
    else:  # the gradient of nothing
        inputs, operator, twin = equivariant_forms(2, 1, 0, 3, torch.float64)
        value = operator(*inputs)
        assert value.shape == twin(*inputs).shape
        assert torch.autograd.grad(value.sum(), inputs)[0].shape == (9, 0, 3)


def test_some_of_the_gradients():
    """Forces alone, and forces whose weights are trained: what nobody asks for is not computed, and the rest is right."""
    inputs, operator, twin = message_forms(3, 2, 8, 16, 5, 6, 30, torch.float64)
    vectors, h, weights = inputs
    results = []
    for function in (operator, twin):
        forces = torch.autograd.grad(function(*inputs).square().sum(), vectors, create_graph=True)[0]
        results.append([forces, *torch.autograd.grad(forces.square().sum(), (weights, h))])
        plain = torch.autograd.grad(function(vectors, h.detach(), weights.detach()).sum(), vectors)[0]
        results[-1].append(plain)
    for mine, theirs in zip(*results, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-11, atol=1e-11 * theirs.abs().max().item())


def test_threads_make_no_difference():
    """Ranges of centers send to the same atoms at the same time."""
    inputs, operator, _ = message_forms(2, 2, 4, 8, 300, 60, 12, torch.float64)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = twice_differentiated(operator, inputs)
        torch.set_num_threads(3)
        three = twice_differentiated(operator, inputs)
    finally:
        torch.set_num_threads(threads)
    for mine, other in zip(one, three, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-11, atol=1e-11 * other.abs().max().item())


@pytest.mark.parametrize("l_max, sent", [(1, 1), (3, 2)])
def test_derivatives_by_differences(l_max, sent):
    """gradcheck and gradgradcheck: independent of the twins. Smooth to second order only at the cutoff."""
    inputs, operator, _ = message_forms(l_max, sent, 3, 2, 3, 3, 2, torch.float64, longest=0.95)
    assert torch.autograd.gradcheck(operator, inputs) and torch.autograd.gradgradcheck(operator, inputs)
    inputs, operator, _ = equivariant_forms(l_max, sent, 2, 2, torch.float64)
    assert torch.autograd.gradcheck(operator, inputs) and torch.autograd.gradgradcheck(operator, inputs)


def test_operators_keep_the_rules_of_torch():
    """opcheck: schema, autograd registration, shapes of the Meta kernels, dynamic shapes."""
    vectors, center, neighbor = neighborhoods(4, 6, 6, torch.float64)
    h = torch.randn(6, 4, 5, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(3, 4, 5, dtype=torch.float64, requires_grad=True)
    harmonics = torch.tensor(harmonics_from_monomials(2))
    torch.library.opcheck(
        OPS.messages.default,
        (vectors.requires_grad_(True), center, neighbor, h, weights, harmonics, 4, CUTOFF),
    )
    tables = [torch.tensor(table) for table in equivariant_tables(2, 1).values()]
    mixed = torch.randn(9, 4, 5, dtype=torch.float64, requires_grad=True)
    torch.library.opcheck(OPS.equivariants.default, (mixed, *tables, True))


@pytest.mark.parametrize(
    "change, text",
    [
        (lambda v, c, j, h, w, y: (v, c.flip(0), j, h, w, y), "centers must be sorted"),
        (lambda v, c, j, h, w, y: (v, c, j + 6, h, w, y), "must be from 0 to 5"),
        (lambda v, c, j, h, w, y: (v, c, j, h[:, :3], w, y), "messages must be"),
        (lambda v, c, j, h, w, y: (v, c, j, h, w[:, 1:], y), "weights must be"),
        (lambda v, c, j, h, w, y: (v, c, j, h, w, y.float()), "Float beside edge_vectors"),
        (lambda v, c, j, h, w, y: (v, c, j, h, w, y[:3]), "harmonics must be"),
        (lambda v, c, j, h, w, y: (v, c, j[1:], h, w, y), "must be int64"),
    ],
)
def test_wrong_arguments_are_refused(change, text):
    vectors, center, neighbor = neighborhoods(4, 6, 9, torch.float64)
    h, weights = torch.zeros(6, 4, 5, dtype=torch.float64), torch.zeros(3, 4, 5, dtype=torch.float64)
    harmonics = torch.tensor(harmonics_from_monomials(2))
    with pytest.raises(RuntimeError, match=text):
        OPS.messages(*change(vectors, center, neighbor, h, weights, harmonics), 4, CUTOFF)


def test_fused_network_is_the_plain_one():
    """Energies, charges and forces of a network with and without the operators."""
    settings = NetSettings(cutoff=CUTOFF, n_channels=8, message_passing_layers=1)
    torch.manual_seed(0)
    net = network_class(settings)(["Na", "Cl"], settings, charge=True).double()
    with torch.no_grad():
        net.readout.last.weight.normal_(0.0, 0.3)
    vectors, center, neighbor = neighborhoods(12, 12, 30, torch.float64)
    vectors.requires_grad_(True)
    species = torch.arange(12) % 2
    results = []
    for chosen in (True, False):
        net.fused = chosen
        output = net(species, torch.stack([center, neighbor]), vectors, 12)
        total = output["energy"].sum() + output["charge"].square().sum()
        results.append([output["energy"], output["charge"], torch.autograd.grad(total, vectors)[0]])
    for mine, theirs in zip(*results, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-11, atol=1e-11 * theirs.abs().max().item())
