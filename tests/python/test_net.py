# SPDX-License-Identifier: MIT
"""The network as a whole: symmetries, smoothness, contract sizes, TorchScript, precision, second derivatives."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tolerances
import torch
from pair_les.net import ContractNet, LESNet, NetSettings
from random_networks import CUTOFF, REFERENCES, cluster, edges, make_network
from scipy.spatial.transform import Rotation

SETTINGS = NetSettings(cutoff=CUTOFF, n_radial=4, n_channels=6, hidden=(8, 8))


LAYERS = [pytest.param(0, id="local"), pytest.param(1, id="message passing")]


@pytest.fixture(params=LAYERS)
def network(request: pytest.FixtureRequest) -> ContractNet:
    return make_network(message_passing_layers=request.param)


def evaluate(net, positions, species) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Atomic energies without references, charges, and forces of sum(energy) + sum(charge)."""
    x = torch.tensor(positions, requires_grad=True)
    index, _ = edges(positions)
    energy, charge = net.interaction(species, index, x[index[1]] - x[index[0]], len(species))
    (gradient,) = torch.autograd.grad(energy.sum() + charge.sum(), x)
    return energy.detach().numpy(), charge.detach().numpy(), -gradient.numpy()


def test_outputs_vary(network):
    energy, charge, force = evaluate(network, *cluster())
    assert min(energy.std(), 5 * charge.std(), force.std()) > 0.05  # or the symmetry tests would test nothing


def test_rotation_reflection_translation(network):
    positions, species = cluster()
    energy, charge, force = evaluate(network, positions, species)
    rotation = -Rotation.random(random_state=1).as_matrix()  # improper: a reflection as well
    moved = positions @ rotation.T + np.array([10.0, -20.0, 30.0])
    e, q, f = evaluate(network, moved, species)
    assert np.abs(e - energy).max() < tolerances.NET_SYMMETRY
    assert np.abs(q - charge).max() < tolerances.NET_SYMMETRY
    assert np.abs(f - force @ rotation.T).max() < 10 * tolerances.NET_SYMMETRY


def test_permutation(network):
    positions, species = cluster()
    energy, charge, force = evaluate(network, positions, species)
    order = np.random.default_rng(2).permutation(len(species))
    e, q, f = evaluate(network, positions[order], species[order])
    assert np.abs(e - energy[order]).max() < tolerances.NET_SYMMETRY
    assert np.abs(q - charge[order]).max() < tolerances.NET_SYMMETRY
    assert np.abs(f - force[order]).max() < 10 * tolerances.NET_SYMMETRY


def test_order_of_the_edges_of_a_center_does_not_matter(network):
    positions, species = cluster()
    index, vectors = edges(positions)
    order = torch.tensor(np.lexsort([np.random.default_rng(3).random(index.shape[1]), index[0].numpy()]))
    first = network(species, index, vectors, len(species))
    second = network(species, index[:, order], vectors[order], len(species))
    for key in first:
        assert (first[key] - second[key]).abs().max() < tolerances.NET_SYMMETRY


def test_far_atoms_change_nothing(network):
    positions, species = cluster()
    energy, charge, force = evaluate(network, positions, species)
    crowd, crowd_species = cluster(50, seed=5)  # more atoms, wider padding, but out of reach
    e, q, f = evaluate(
        network, np.concatenate([positions, crowd + 100.0]), torch.cat([species, crowd_species])
    )
    assert np.abs(e[:20] - energy).max() < tolerances.NET_SYMMETRY
    assert np.abs(q[:20] - charge).max() < tolerances.NET_SYMMETRY
    assert np.abs(f[:20] - force).max() < 10 * tolerances.NET_SYMMETRY


def test_ghosts_are_neighbors_but_not_centers():
    network = make_network()
    positions, species = cluster()
    index, vectors = edges(positions)
    whole = network(species, index, vectors, 20)
    local = index[0] < 7
    part = network(species, index[:, local], vectors[local], 7)
    for key in whole:
        assert part[key].shape == (7,)
        assert (part[key] - whole[key][:7]).abs().max() < tolerances.NET_SYMMETRY


@pytest.mark.parametrize("n_local", [0, 1, 7])
def test_messages_come_from_the_neighbors_of_local_atoms(n_local):
    """Atoms beyond change nothing, and have no gradient, whether the caller gives their edges or not."""
    network = make_network(message_passing_layers=1)
    positions, species = cluster(40)
    index, vectors = edges(positions)
    near = torch.zeros(40, dtype=torch.bool)
    near[:n_local] = True
    near[index[1][index[0] < n_local]] = True
    assert n_local != 1 or 1 < near.sum() < 20
    of_near = near[index[0]]
    results = []
    for chosen, count in (
        (torch.ones_like(of_near), 40),
        (torch.ones_like(of_near), n_local),
        (of_near, n_local),
    ):
        v = vectors[chosen].requires_grad_()
        energy, charge = network.interaction(species, index[:, chosen], v, count)
        assert energy.shape == charge.shape == (count,)
        total = energy[:n_local].sum() + charge[:n_local].sum()
        (gradient,) = torch.autograd.grad(total, v)
        full = torch.zeros_like(vectors)
        full[chosen] = gradient
        results.append((energy[:n_local].detach(), charge[:n_local].detach(), full))
    assert bool((results[0][2][~of_near] == 0.0).all())
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert a.numel() == 0 or (a - b).abs().max() < 10 * tolerances.NET_SYMMETRY


def test_messages_reach_two_cutoffs():
    """A chain of three atoms, the ends out of each other's reach: the third one changes the energy of the first."""
    species = torch.tensor([0, 1, 0])
    energies = {}
    for layers in (0, 1):
        network = make_network(message_passing_layers=layers)
        for angle in (0.0, 0.8):
            third = np.array([2.0 + 2.0 * np.cos(angle), 2.0 * np.sin(angle), 0.0])
            energy, _, _ = evaluate(network, np.array([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], third]), species)
            energies[layers, angle] = energy[0]
    assert energies[0, 0.0] == energies[0, 0.8]
    assert abs(energies[1, 0.0] - energies[1, 0.8]) > 1e-4


def test_smooth_at_the_cutoff(network):
    """Energy and force of an atom that crosses the cutoff: no step, no kink."""
    species = torch.tensor([0, 1, 1])

    def at(distance: float) -> tuple[float, float]:
        positions = np.array([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [distance, 0.0, 0.0]])
        energy, charge, force = evaluate(network, positions, species)
        return energy.sum() + charge.sum(), force[2, 0]

    step = 1e-4
    inside, outside = at(CUTOFF - step), at(CUTOFF + step)
    assert outside[1] == 0.0
    # with a cubic zero the energy is below (step / cutoff)^3 and the force below (step / cutoff)^2 of their scales
    assert abs(inside[0] - outside[0]) < 1e-9
    assert 0.0 < abs(inside[1]) < 1e-5


def test_forces_are_finite_differences(network):
    positions, species = cluster()
    _, _, force = evaluate(network, positions, species)
    step = 1e-5
    for atom, axis in ((0, 0), (7, 1), (13, 2)):
        shifted = []
        for sign in (1.0, -1.0):
            moved = positions.copy()
            moved[atom, axis] += sign * step
            energy, charge, _ = evaluate(network, moved, species)
            shifted.append(energy.sum() + charge.sum())
        difference = -(shifted[0] - shifted[1]) / (2.0 * step)
        assert abs(difference - force[atom, axis]) < tolerances.FINITE_DIFFERENCE_FORCE


@pytest.mark.parametrize("layers", LAYERS)
@pytest.mark.parametrize("charge", [True, False])
def test_empty_sizes_and_atoms_without_edges(charge, layers):
    net = make_network(charge=charge, message_passing_layers=layers)
    no_edges = torch.zeros(2, 0, dtype=torch.int64)
    for model in (net, torch.jit.script(net)):
        for species, n_local in (([], 0), ([0, 1], 0), ([1, 0, 1], 3), ([1, 1], 1)):
            vectors = torch.zeros(0, 3, dtype=torch.float64, requires_grad=True)
            result = model(torch.tensor(species, dtype=torch.int64), no_edges, vectors, n_local)
            assert set(result) == ({"energy", "charge"} if charge else {"energy"})
            for value in result.values():
                assert value.shape == (n_local,) and value.dtype == torch.float64
                assert bool(torch.isfinite(value).all())
            total = torch.stack([value.sum() for value in result.values()]).sum()
            (gradient,) = torch.autograd.grad(total, vectors, allow_unused=True)
            assert gradient is None or gradient.shape == (0, 3)


def test_isolated_atom_keeps_its_own_energy(network):
    """The energy of a lone atom beside others is that of the lone atom, and has its reference in it."""
    positions, species = cluster()
    together = np.concatenate([positions, [[500.0, 0.0, 0.0]]])
    index, vectors = edges(together)
    with_others = network(torch.cat([species, torch.tensor([1])]), index, vectors, 21)
    alone = network(torch.tensor([1]), torch.zeros(2, 0, dtype=torch.int64), torch.zeros(0, 3).double(), 1)
    for key in alone:
        assert abs(float(with_others[key][-1] - alone[key][0])) < tolerances.NET_SYMMETRY
    interaction, _ = network.interaction(
        torch.tensor([1]), torch.zeros(2, 0, dtype=torch.int64), torch.zeros(0, 3).double(), 1
    )
    assert float(alone["energy"][0]) == pytest.approx(float(interaction[0]) + REFERENCES["H"], abs=1e-12)


@pytest.mark.parametrize("layers", LAYERS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_torchscript_gives_the_same(dtype, layers):
    net = make_network(dtype=dtype, message_passing_layers=layers)
    positions, species = cluster()
    index, vectors = edges(positions)
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(net), file)
    file.seek(0)
    scripted = torch.jit.load(file)
    results = []
    for model in (
        net,
        scripted,
        scripted,
        scripted,
    ):  # the profiling executor rewrites the graph on its second call
        v = vectors.to(dtype).requires_grad_()
        out = model(species, index, v, len(species))
        (gradient,) = torch.autograd.grad(out["energy"].sum() + out["charge"].sum(), v)
        assert out["energy"].dtype == out["charge"].dtype == gradient.dtype == dtype
        results.append((out["energy"].detach(), out["charge"].detach(), gradient))
    relative = 1e-12 if dtype == torch.float64 else tolerances.FLOAT32_RELATIVE
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert (a - b).abs().max() < relative * a.abs().max()


@pytest.mark.parametrize("layers", LAYERS)
def test_float32_against_float64(layers):
    positions, species = cluster(60, seed=3)
    index, vectors = edges(positions)
    results = []
    for dtype in (torch.float64, torch.float32):
        net = make_network(dtype=dtype, message_passing_layers=layers)
        v = vectors.to(dtype).requires_grad_()
        energy, charge = net.interaction(species, index, v, len(species))
        (gradient,) = torch.autograd.grad(energy.sum() + charge.sum(), v)
        results.append([x.detach().double() for x in (energy, charge, gradient)])
    for double, single in zip(*results, strict=True):
        assert (double - single).abs().max() < tolerances.FLOAT32_RELATIVE * double.abs().max()


def test_references_do_not_cost_precision():
    """In float32 the reference energies are added once, last: the output is their rounded sum, to one rounding."""
    net = make_network(dtype=torch.float32)
    positions, species = cluster()
    index, vectors = edges(positions)
    energy, _ = net.interaction(species, index, vectors.float(), 20)
    total = net(species, index, vectors.float(), 20)["energy"]
    references = torch.tensor([REFERENCES["O"], REFERENCES["H"]], dtype=torch.float64)[species]
    assert (total.double() - (energy.double() + references)).abs().max() <= 430.0 * 2.0**-24


@pytest.mark.parametrize("layers", LAYERS)
@pytest.mark.parametrize("l_max", [1, 2])
def test_second_derivatives(layers, l_max):
    """Force training differentiates twice, by positions and by parameters; padding must stay out of both."""
    small = {"n_radial": 2, "n_channels": 2, "hidden": (3,), "message_channels": 2, "message_l_max": 1}
    net = make_network(l_max=l_max, message_passing_layers=layers, **small)
    positions, species = cluster(6, seed=1)
    index, vectors = edges(positions)

    def outputs(v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return net.interaction(species, index, v, 6)

    vectors.requires_grad_()
    assert torch.autograd.gradcheck(outputs, (vectors,))
    assert torch.autograd.gradgradcheck(outputs, (vectors,))


@pytest.mark.parametrize("layers", LAYERS)
def test_force_loss_has_finite_gradients(layers):
    net = make_network(dtype=torch.float32, message_passing_layers=layers)
    positions, species = cluster(30)
    positions = np.concatenate([positions, [[100.0, 0.0, 0.0]]])  # a row that is padding only
    index, vectors = edges(positions)
    v = vectors.float().requires_grad_()
    energy, charge = net.interaction(torch.cat([species, torch.tensor([0])]), index, v, 31)
    (gradient,) = torch.autograd.grad(energy.sum() + charge.square().sum(), v, create_graph=True)
    gradient.square().sum().backward()
    for name, parameter in net.named_parameters():
        assert bool(torch.isfinite(parameter.grad).all()), name
    assert float(net.mixing.grad.abs().max()) > 0.0


def test_statistics_normalize_the_features():
    network = make_network()
    positions, species = cluster(60, seed=9)  # the cluster that fitted them
    index, vectors = edges(positions)
    a = network.density(species, index, vectors, len(species))
    for s in range(2):
        x = network.unnormalized_features(a[:, species == s], s)
        x = (x - network.feature_mean[s]) / network.feature_spread[s]
        assert x.mean(0).abs().max() < 1e-8
        assert (x.std(0) - 1.0).abs().max() < 1e-6


def test_statistics_normalize_both_layers():
    network = make_network(message_passing_layers=1)
    positions, species = cluster(60, seed=9)
    index, vectors = edges(positions)
    f = network.mixed(network.density(species, index, vectors, 60))
    x, products = network.products(f, True)
    first = network.normalized(x, species, 0)
    sums = network.received(network.messages(products, first, species), index[0], index[1], vectors, 60)
    second = network.normalized(network.products(network.mix_received(sums, f), False)[0], species, 1)
    for x in (first, second):
        variance = x.square().mean(0)
        assert (
            variance.max() < 1.0 + 1e-6
        )  # less where displaced neighbors change a feature by more than it varies
        assert (variance.sort().values[x.size(1) // 2 :] - 1.0).abs().max() < 1e-6
        assert max(x[species == s].mean(0).abs().max() for s in range(2)) < 1e-8


def test_absent_species_keeps_its_defaults():
    torch.manual_seed(0)
    net = LESNet(["O", "H"], SETTINGS, charge=True).double()
    positions, species = cluster()
    default = net.whitening[0].clone()
    net.fit_statistics(torch.ones_like(species), *edges(positions), len(species))
    assert torch.equal(net.whitening[0], default) and not torch.equal(net.whitening[1], default)


def test_double_after_float_has_tables_of_full_precision():
    for layers in (0, 1):
        network = make_network(message_passing_layers=layers).float().double()
        assert np.array_equal(network.even.numpy(), network.tables["even"])


def test_state_dict_restores_the_network(network):
    other = type(network)(["O", "H"], network.settings, charge=True).double()
    other.load_state_dict(network.state_dict())
    positions, species = cluster()
    index, vectors = edges(positions)
    for key, value in network(species, index, vectors, 20).items():
        assert torch.equal(value, other(species, index, vectors, 20)[key])


def test_checkpoints_of_the_previous_release_can_be_read() -> None:
    """Weights that have another name now."""
    network, other = make_network(message_passing_layers=1), make_network(message_passing_layers=1)
    with torch.no_grad():
        network.passthrough_weights.add_(1.0)
    state = network.state_dict()
    state["as_is_weights"] = state.pop("passthrough_weights")
    other.load_state_dict(state)
    assert torch.equal(other.passthrough_weights, network.passthrough_weights)
