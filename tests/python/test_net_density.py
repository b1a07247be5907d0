# SPDX-License-Identifier: MIT
"""The pieces of the network against independent formulas: radial and angular basis, density, invariant products."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tolerances
import torch
from pair_les.net.angular import harmonics_from_monomials, monomials, quadrature, spherical_harmonics
from pair_les.net.density import density, find_padded_positions
from pair_les.net.products import degree_averages, invariants, n_products, product_quadrature
from pair_les.net.radial import cutoff_function, radial_basis
from scipy.special import sph_harm_y
from torch.utils._python_dispatch import TorchDispatchMode

CUTOFF = 5.0


def random_units(n: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(n, 3))
    return vectors / np.linalg.norm(vectors, axis=1)[:, None]


def random_edges(n_local: int, n_species: int, per_center: int, seed: int = 0):
    """Edges with 0 to `per_center` neighbors per center, sorted by center: center, neighbor species, vectors."""
    generator = torch.Generator().manual_seed(seed)
    counts = torch.randint(0, per_center + 1, (n_local,), generator=generator)
    center = torch.repeat_interleave(torch.arange(n_local), counts)
    species = torch.randint(0, n_species, center.shape, generator=generator)
    distance = 0.8 + (CUTOFF - 0.8) * torch.rand(center.shape, generator=generator, dtype=torch.float64)
    units = torch.tensor(random_units(len(center), seed)) if len(center) else torch.zeros(0, 3)
    return center, species, (units * distance[:, None]).double()


def degrees(l_max: int) -> np.ndarray:
    return np.array([degree for degree in range(l_max + 1) for _ in range(2 * degree + 1)])


@pytest.mark.parametrize("l_max", [1, 2, 3])
def test_harmonics_are_those_of_scipy(l_max):
    units = random_units(20)
    theta, phi = np.arccos(units[:, 2]), np.arctan2(units[:, 1], units[:, 0])
    columns = []
    for degree in range(l_max + 1):
        for m in range(-degree, degree + 1):
            y = (-1.0) ** m * sph_harm_y(degree, abs(m), theta, phi)  # without the Condon-Shortley phase
            real = y.real if m == 0 else math.sqrt(2.0) * (y.real if m > 0 else y.imag)
            columns.append(math.sqrt(4.0 * math.pi) * real)
    expected = np.stack(columns, axis=1)
    assert np.abs(spherical_harmonics(units, l_max) - expected).max() < tolerances.BASIS_FUNCTIONS
    planes = monomials(torch.tensor(units.T).reshape(3, 4, 5), l_max).reshape(-1, 20).numpy()
    assert np.abs(harmonics_from_monomials(l_max) @ planes - expected.T).max() < tolerances.BASIS_FUNCTIONS


def test_cutoff_function_is_smooth_to_second_order():
    x = torch.tensor([0.0, 0.5, 1.0 - 1e-9, 1.0, 1.0 + 1e-9, 3.0], dtype=torch.float64, requires_grad=True)
    value = cutoff_function(x)
    (first,) = torch.autograd.grad(value.sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    assert value[0] == 1.0 and value[1] == 0.75**3
    for derivative in (value, first, second):
        assert derivative[2:].abs().max() < 1e-7  # the second derivative falls like 24 (1 - x)


def test_radial_basis_formula():
    r = torch.rand(3, 4, dtype=torch.float64) * CUTOFF
    basis = radial_basis(r, CUTOFF, 6)
    assert basis.shape == (6, 3, 4)
    for k in range(6):
        x = r.numpy() / CUTOFF
        expected = np.sin((k + 1) * math.pi * x) / x * (1.0 - x**2) ** 3
        assert np.abs(basis[k].numpy() - expected).max() < tolerances.BASIS_FUNCTIONS


def test_padded_positions_are_distinct_and_grouped():
    center, species, _ = random_edges(n_local=30, n_species=3, per_center=9, seed=1)
    position, widths = find_padded_positions(center, species, 30, 3)
    assert len(set(position.tolist())) == len(center)
    width = sum(widths)
    assert torch.equal(position // width, center)
    block = torch.bucketize(position % width, torch.tensor(widths).cumsum(0), right=True)
    assert torch.equal(block, species)
    counts = torch.zeros(30, 3, dtype=torch.int64).index_put(
        (center, species), torch.tensor(1), accumulate=True
    )
    assert widths == counts.max(0).values.tolist()


def evaluate_density(vectors, center, species, n_local, n_species, n_radial=6, l_max=3):
    harmonics = torch.tensor(harmonics_from_monomials(l_max), dtype=vectors.dtype)
    return density(vectors, center, species, n_local, n_species, harmonics, CUTOFF, n_radial, l_max)


def naive_density(vectors, center, species, n_local, n_species, n_radial, l_max):
    r = vectors.norm(dim=1)
    b = radial_basis(r[None], CUTOFF, n_radial)[:, 0]  # [n_radial, n_edges]
    y = torch.tensor(spherical_harmonics((vectors / r[:, None]).detach().numpy(), l_max))  # [n_edges, n_lm]
    i = torch.nn.functional.one_hot(center, n_local).double()
    s = torch.nn.functional.one_hot(species, n_species).double()
    return torch.einsum("ei,es,ke,el->iskl", i, s, b, y)


@pytest.mark.parametrize("l_max", [1, 2, 3])
@pytest.mark.parametrize("n_species", [1, 2, 4])
def test_density_against_the_plain_sum(n_species, l_max):
    center, species, vectors = random_edges(12, n_species, 10, seed=2)
    a = evaluate_density(vectors, center, species, 12, n_species, 5, l_max)
    expected = naive_density(vectors, center, species, 12, n_species, 5, l_max)
    assert a.shape == expected.shape
    assert (a - expected).abs().max() < tolerances.BASIS_FUNCTIONS * expected.abs().max()


def test_density_ignores_edges_beyond_the_cutoff():
    center, species, vectors = random_edges(5, 2, 6, seed=3)
    far = torch.arange(5)
    order = torch.argsort(torch.cat([center, far]), stable=True)
    longer = torch.cat([vectors, torch.full((5, 3), CUTOFF, dtype=vectors.dtype)])[order]
    all_species = torch.cat([species, torch.zeros_like(far)])[order]
    a = evaluate_density(longer, torch.cat([center, far])[order], all_species, 5, 2)
    expected = evaluate_density(vectors, center, species, 5, 2)
    assert (a - expected).abs().max() < tolerances.BASIS_FUNCTIONS


class LargestTensor(TorchDispatchMode):
    """Records the largest output of any operation inside the block."""

    def __init__(self) -> None:
        super().__init__()
        self.numel = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, (tuple, list)) else [result]:
            if isinstance(tensor, torch.Tensor):
                self.numel = max(self.numel, tensor.numel())
        return result


def test_no_tensor_with_edges_times_radial_times_angular():
    n_local, neighbors, n_radial, n_lm = 20, 40, 8, 16
    center = torch.repeat_interleave(torch.arange(n_local), neighbors)
    species = torch.arange(len(center)) % 2
    vectors = torch.tensor(random_units(len(center))) * 3.0
    vectors.requires_grad_()
    with LargestTensor() as largest:
        a = evaluate_density(vectors, center, species, n_local, 2, n_radial, 3)
        (gradient,) = torch.autograd.grad(a.square().sum(), vectors, create_graph=True)
        gradient.square().sum().backward()
    n_edges = len(center)
    assert n_edges * n_lm <= largest.numel < n_edges * n_radial * n_lm / 2


@pytest.mark.parametrize("l_max", [1, 2, 3])
@pytest.mark.parametrize("body_order", [3, 4, 5])
def test_products_against_explicit_integration(l_max, body_order):
    """The averages of u^3 and u^4 against a Gauss-Legendre x trapezoidal grid, the power against a plain sum."""
    rng = np.random.default_rng(4)
    n_lm = (l_max + 1) ** 2
    f = rng.normal(size=(n_lm, 3, 4))
    tables = (degree_averages(l_max), *product_quadrature(l_max, body_order))
    row = degrees(l_max)
    x = invariants(*map(torch.tensor, (f, *tables)), body_order).numpy()
    assert x.shape == (n_products(l_max, body_order), 3, 4)

    cosines, w_cos = np.polynomial.legendre.leggauss(20)
    phi = np.arange(40) * 2.0 * math.pi / 40
    c, p = np.meshgrid(cosines, phi, indexing="ij")
    s = np.sqrt(1.0 - c**2)
    y = spherical_harmonics(np.stack([s * np.cos(p), s * np.sin(p), c], -1).reshape(-1, 3), l_max)
    w = np.repeat(w_cos / 2.0, 40) / 40
    expected = [f[0], *[(f[row == d] ** 2).mean(0) for d in range(1, l_max + 1)]]
    u = np.einsum("gl,lnc->gnc", y, f) / (l_max + 1)
    v = np.einsum("gl,lnc->gnc", y[:, :9], f[:9]) / (l_max + 1)
    expected += [np.einsum("g,gnc->nc", w, u**3), np.einsum("g,gnc->nc", w, v**4)][: body_order - 3]
    assert np.abs(x - np.array(expected)).max() < tolerances.BASIS_FUNCTIONS * np.abs(expected).max()


def test_quadrature_is_exact_at_its_degree():
    points, weights = quadrature(9)
    assert len(points) == 38
    # <x^8> = 1/9, <x^4 y^4> = 3*3/(3*5*7*9), odd powers vanish
    assert abs(weights @ points[:, 0] ** 8 - 1.0 / 9.0) < tolerances.BASIS_FUNCTIONS
    assert abs(weights @ (points[:, 0] ** 4 * points[:, 1] ** 4) - 9.0 / 945.0) < tolerances.BASIS_FUNCTIONS
    assert abs(weights @ (points[:, 0] ** 5 * points[:, 2] ** 4)) < tolerances.BASIS_FUNCTIONS
