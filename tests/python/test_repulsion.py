# SPDX-License-Identifier: MIT
"""The screened repulsion of nuclei: its end at the covalent radii, its place in the networks.

tests/lammps/test_zbl.py compares it with `pair_style zbl`.
"""

from __future__ import annotations

import io

import pytest
import torch
from ase.data import covalent_radii
from pair_les.net import NetSettings, network_class
from pair_les.net.repulsion import pair_repulsion, repulsion_energy, repulsion_tables
from random_networks import make_network

SPECIES = ["O", "H", "Au"]


def tables() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    found = repulsion_tables(SPECIES)
    return tuple(torch.tensor(found[name]) for name in ("zbl_strength", "zbl_inverse_length", "zbl_radius"))


def test_ends_smoothly_at_the_covalent_radii():
    """Energy, first and second derivative vanish."""
    strength, inverse, radius = (table[0, 1] for table in tables())
    assert float(radius) == pytest.approx(covalent_radii[8] + covalent_radii[1])
    r = (radius * (1.0 - torch.tensor([1e-3, 1e-4], dtype=torch.float64))).requires_grad_()
    energy = pair_repulsion(r, strength, inverse, radius)
    (first,) = torch.autograd.grad(energy.sum(), r, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), r)
    for values, power in ((energy, 3), (first, 2), (second, 1)):
        ratio = float((values[0] / values[1]).detach())
        assert ratio == pytest.approx(10.0**power, rel=0.02)


def test_gradients():
    torch.manual_seed(1)
    species = torch.tensor([0, 1, 2, 1])
    index = torch.tensor([[0, 0, 1, 2, 3], [1, 2, 0, 0, 2]])
    vectors = 0.4 * torch.randn(5, 3, dtype=torch.float64)
    vectors.requires_grad_()

    def energy(v):
        return repulsion_energy(species, index, v, 3, *tables())

    assert torch.autograd.gradcheck(energy, (vectors,))
    assert torch.autograd.gradgradcheck(energy, (vectors,))


@pytest.mark.parametrize("layers", [0, 1])
def test_networks_add_it(layers):
    """And nothing else changes; also scripted and read again, in both precisions, and with ghosts that are centers."""
    species = torch.tensor([0, 1, 1])
    index = torch.tensor([[0, 0, 1, 1, 2, 2], [1, 2, 0, 2, 0, 1]])
    vectors = torch.tensor([[0.6, 0.0, 0.0], [0.0, 0.5, 0.1]], dtype=torch.float64)
    vectors = torch.stack(
        [vectors[0], vectors[1], -vectors[0], vectors[1] - vectors[0], -vectors[1], vectors[0] - vectors[1]]
    )
    if layers == 0:  # centers are local atoms
        index, vectors = index[:, :4], vectors[:4]
    without = make_network(message_passing_layers=layers)
    net = make_network(message_passing_layers=layers, zbl=True)
    net.load_state_dict(without.state_dict())
    found = net.interaction(species, index, vectors, 2)
    plain = without.interaction(species, index, vectors, 2)
    table = [net.get_buffer(name) for name in ("zbl_strength", "zbl_inverse_length", "zbl_radius")]
    expected = repulsion_energy(species, index, vectors, 2, *table)
    assert float(expected.min()) > 1.0
    torch.testing.assert_close(found[0], plain[0] + expected, rtol=1e-13, atol=0.0)
    torch.testing.assert_close(found[1], plain[1])

    file = io.BytesIO()
    torch.jit.save(torch.jit.script(net), file)
    file.seek(0)
    again = torch.jit.load(file)(species, index, vectors, 2)
    whole = net(species, index, vectors, 2)
    torch.testing.assert_close(again["energy"], whole["energy"])
    single = net.float().interaction(species, index, vectors.float(), 2)
    torch.testing.assert_close(single[0].double(), found[0], rtol=1e-4, atol=1e-4)


def test_errors():
    with pytest.raises(ValueError, match="zbl = 1: must be true or false"):
        NetSettings(cutoff=3.0, zbl=1)
    settings = NetSettings(cutoff=3.0, zbl=True)
    with pytest.raises(ValueError, match=r"model\.zbl: Qq is not a chemical element; use model\.zbl false"):
        network_class(settings)(["Qq"], settings, charge=True)
