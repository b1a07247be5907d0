# SPDX-License-Identifier: MIT
"""Charge equilibration by the dense solve: analytic, finite differences, autograd, C++, training."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pytest
import tolerances as tol
import torch
from analytic_models import write_model
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from pair_les import LESCalculator
from pair_les.cli.inspect import inspect
from pair_les.constants import COULOMB_CONSTANT
from pair_les.data.batches import Batch, collate
from pair_les.data.frames import read_frames
from pair_les.data.graphs import build_graphs
from pair_les.data.labeled_graphs import with_charge_labels
from pair_les.errors import ConfigError, RunError
from pair_les.evaluation.model_network import model_network
from pair_les.evaluation.prediction import predict
from pair_les.export import export
from pair_les.long_range import long_range_energy
from pair_les.long_range.equilibration import (
    equilibrate,
    equilibrium_charges,
    interaction_matrix,
    lowest_hardness,
    with_fixed_sum,
)
from pair_les.model_file import load_model, read_metadata
from pair_les.model_file.metadata import ContractError, LongRange, Metadata
from pair_les.net import LESNet, NetSettings
from pair_les.observables import observe
from pair_les.training.config_file import parse_config
from pair_les.training.run import train
from tiny_frames import tiny_config

core = pytest.importorskip("pair_les._core", reason="the C++ core is not built: type 'pip install .'")

CELL = np.array([[9.0, 0.0, 0.0], [1.5, 8.0, 0.0], [-1.0, 0.5, 8.5]])
SETTINGS = LongRange(1.0, neutralize=True, charge_model="equilibration")


def ions(n: int = 14, seed: int = 0, periodic: bool = True) -> Atoms:
    """Na and Cl at random, at least 2 A from each other."""
    rng = np.random.default_rng(seed)
    positions = np.empty((0, 3))
    while len(positions) < n:
        new = rng.random(3) @ CELL
        shift = (positions - new) @ np.linalg.inv(CELL)
        if np.all(np.linalg.norm((shift - np.round(shift)) @ CELL, axis=1) > 2.0):
            positions = np.vstack([positions, new])
    cell = CELL if periodic else None
    return Atoms(["Na", "Cl"] * (n // 2), positions, cell=cell, pbc=periodic)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    write_model(tmp_path / "model.pt", "equilibration")
    return tmp_path / "model.pt"


# ------------------------------------------------------------------------------------------------- dense solve


@pytest.mark.parametrize("self_interaction", [False, True])
@pytest.mark.parametrize("periodic", [True, False])
def test_matrix_is_that_of_the_long_range_energy(periodic: bool, self_interaction: bool) -> None:
    settings = LongRange(0.9, self_interaction=self_interaction)
    atoms = ions()
    x, cell = torch.tensor(atoms.positions), torch.tensor(CELL)
    q = torch.tensor(np.random.default_rng(1).normal(size=len(atoms)))
    matrix = interaction_matrix(x, cell, periodic, settings)
    frame = torch.zeros(len(atoms), dtype=torch.int64)
    energy = long_range_energy(x, q, cell[None], torch.tensor([periodic]), frame, settings)
    assert abs(float(0.5 * q @ matrix @ q - energy)) < tol.CONVERGED_SUM
    # with the Gaussians' interaction with themselves it is positive definite
    smallest = torch.linalg.eigvalsh(matrix + lowest_hardness(settings) * torch.eye(len(atoms)))[0]
    assert smallest > -tol.CONVERGED_SUM


@pytest.mark.parametrize("total", [0.0, 1.5])
@pytest.mark.parametrize("self_interaction", [False, True])
def test_two_atoms(self_interaction: bool, total: float) -> None:
    """Minimum of chi_1 q + chi_2 (Q - q) + eta_1 q^2/2 + eta_2 (Q - q)^2/2 + J q (Q - q) + self energies, by hand."""
    settings = replace(SETTINGS, self_interaction=self_interaction)
    r, (chi_1, chi_2), (eta_1, eta_2) = 2.3, (1.0, -2.0), (13.0, 15.0)
    j = COULOMB_CONSTANT * math.erf(r / math.sqrt(2.0)) / r
    own = 2.0 * COULOMB_CONSTANT / math.sqrt(2.0 * math.pi) if self_interaction else 0.0
    expected = (chi_2 - chi_1 + (eta_2 + own - j) * total) / (eta_1 + eta_2 + 2.0 * own - 2.0 * j)
    charges = equilibrate(
        torch.tensor([[chi_1, eta_1], [chi_2, eta_2]], dtype=torch.float64),
        torch.tensor([[0.0, 0.0, 0.0], [r, 0.0, 0.0]], dtype=torch.float64),
        torch.zeros(1, 3, 3, dtype=torch.float64),
        torch.tensor([False]),
        torch.zeros(2, dtype=torch.int64),
        torch.tensor([total]),
        settings,
    )
    np.testing.assert_allclose(charges, [expected, total - expected], rtol=1e-13)


def test_one_potential_for_all_charges() -> None:
    atoms, rng = ions(), np.random.default_rng(2)
    chi, eta = torch.tensor(rng.normal(size=(2, len(atoms))))
    eta = 15.0 + eta.abs()
    matrix = interaction_matrix(torch.tensor(atoms.positions), torch.tensor(CELL), True, SETTINGS)
    charges = equilibrium_charges(chi, eta, matrix, 2.0)
    derivative = chi + eta * charges + matrix @ charges
    assert abs(float(charges.sum()) - 2.0) < tol.TOTAL_CHARGE
    assert float(derivative.max() - derivative.min()) < tol.CONVERGED_SUM


# ------------------------------------------------------------------------------------ forces, stress, observables


@pytest.mark.parametrize("total", [None, 1.0])
@pytest.mark.parametrize("periodic", [True, False])
def test_forces_are_derivatives(model: Path, periodic: bool, total: float | None) -> None:
    atoms = ions(periodic=periodic)
    atoms.calc = LESCalculator(model, total_charge=total)
    assert abs(atoms.get_charges().sum() - (total or 0.0)) < tol.TOTAL_CHARGE
    forces, step = atoms.get_forces(), 2e-3
    for index, axis in ((0, 0), (5, 1), (9, 2)):
        energies = []
        for factor in (-2, -1, 1, 2):
            moved = atoms.copy()
            moved.positions[index, axis] += factor * step
            moved.calc = atoms.calc
            energies.append(moved.get_potential_energy())
        slope = (energies[0] - 8.0 * energies[1] + 8.0 * energies[2] - energies[3]) / (12.0 * step)
        assert abs(forces[index, axis] + slope) < tol.FINITE_DIFFERENCE_FORCE


def test_stress_is_the_derivative(model: Path) -> None:
    atoms = ions()
    atoms.calc = LESCalculator(model, total_charge=-2.0)
    stress, step = atoms.get_stress(voigt=False) * atoms.get_volume(), 1e-4
    for a, b in ((0, 0), (2, 2), (0, 1)):
        energies = []
        for factor in (-1, 1):
            strain = np.eye(3)
            strain[a, b] += factor * step / 2
            strain[b, a] += factor * step / 2
            strained = atoms.copy()
            strained.set_cell(atoms.cell.array @ strain, scale_atoms=True)
            strained.calc = atoms.calc
            energies.append(strained.get_potential_energy())
        assert abs((energies[1] - energies[0]) / (2.0 * step) - stress[a, b]) < tol.FINITE_DIFFERENCE_STRAIN


@pytest.mark.parametrize("periodic", [True, False])
def test_born_charges_contain_the_response_of_all_charges(model: Path, periodic: bool) -> None:
    """``q_i delta_ab + sum_j d_j,a dq_j/dr_ib`` with charges differenced; d = r_j, or the sine of where j is from i."""
    atoms, step, i = ions(periodic=periodic), 1e-4, 3
    found = observe(model, atoms, born=True, total_charge=1.0)
    lever = atoms.positions
    if periodic:
        s = atoms.get_scaled_positions()
        lever = np.sin(2.0 * np.pi * (s - s[i])) / (2.0 * np.pi) @ atoms.cell.array
    expected = found.charges[i] * np.eye(3)
    for axis in range(3):
        charges = []
        for factor in (-1, 1):
            moved = atoms.copy()
            moved.positions[i, axis] += factor * step
            charges.append(observe(model, moved, total_charge=1.0).charges)
        expected[:, axis] += lever.T @ (charges[1] - charges[0]) / (2.0 * step)
    np.testing.assert_allclose(found.born[i], expected, rtol=0.0, atol=tol.BORN)
    assert np.abs(found.born[i] - found.charges[i] * np.eye(3)).max() > 1e-2


def labeled(model: Path, folder: Path, n_frames: int = 4, seed: int = 0) -> Path:
    """Frames with energies, forces and total charges of a model file."""
    frames = []
    for number in range(n_frames):
        atoms = ions(8, seed=100 * seed + number, periodic=number % 3 != 2)
        atoms.positions = atoms.positions.round(8)  # as extxyz has them
        total = float((-1, 0, 2)[number % 3])
        atoms.calc = LESCalculator(model, total_charge=total)
        energy, forces = atoms.get_potential_energy(), atoms.get_forces()
        atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces)
        atoms.info["total_charge"] = total
        frames.append(atoms)
    ase.io.write(folder / "train.xyz", frames, format="extxyz")
    return folder / "train.xyz"


def batch_of(file: Path, metadata: Metadata) -> Batch:
    frames = read_frames([file])
    graphs = build_graphs(frames, metadata.species, metadata.cutoff)
    return collate(with_charge_labels(frames, graphs, "total_charge", dipole=None, bec=None))


@pytest.mark.parametrize("training", [False, True])
def test_batches(model: Path, tmp_path: Path, training: bool) -> None:
    """With the graph of training the derivative of the charges is there, and adds up to nothing."""
    module, metadata = load_model(model)
    batch = batch_of(labeled(model, tmp_path), metadata)
    network = model_network(module, metadata, model)
    found = predict(network, metadata.long_range, batch, torch.float64, training=training)
    np.testing.assert_allclose(found.energy.detach(), batch.energy, rtol=0.0, atol=tol.VECTORS)
    limit = 1e-8  # digits of forces in extxyz
    np.testing.assert_allclose(found.forces.detach(), batch.forces, rtol=0.0, atol=limit)


def test_gradient_of_a_loss_on_forces(tmp_path: Path) -> None:
    """The implicit derivative of the charges in the weights, twice differentiated, against finite differences."""
    write_model(tmp_path / "model.pt", "equilibration")
    metadata = read_metadata(tmp_path / "model.pt")
    batch = batch_of(labeled(tmp_path / "model.pt", tmp_path, 3), metadata)
    torch.manual_seed(0)
    settings = NetSettings(cutoff=5.0, n_radial=4, l_max=1, n_channels=3, body_order=3, hidden=(4,))
    network = LESNet(["Na", "Cl"], settings, charge=True, lowest_hardness=lowest_hardness(SETTINGS)).double()

    def loss() -> torch.Tensor:
        found = predict(network.interaction, SETTINGS, batch, torch.float64, training=True)
        return found.forces.square().sum() + found.energy.square().sum() + found.charge.square().sum()

    parameters = [network.readout.last.bias, network.mixing]
    gradients = torch.autograd.grad(loss(), parameters)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        direction = torch.randn_like(parameter)
        values = []
        for step in (-1e-4, 1e-4):
            with torch.no_grad():
                parameter += step * direction
                values.append(float(predict_loss(loss)))
                parameter -= step * direction
        slope = (values[1] - values[0]) / 2e-4
        assert abs(slope) > 1e-3
        assert abs(float((gradient * direction).sum()) - slope) < 1e-5 * max(1.0, abs(slope))


def predict_loss(loss: Any) -> torch.Tensor:
    """A loss that contains forces needs a graph even where its value is all that is wanted."""
    with torch.enable_grad():
        return loss().detach()


# ---------------------------------------------------------------------------------------------------------- C++


def dense(n: int = 40, seed: int = 3) -> dict[str, Any]:
    """Arguments of the solver in C++ for random ions."""
    from pair_les.data.neighbors import neighbor_list

    rng = np.random.default_rng(seed)
    box = 12.0 * np.eye(3)
    positions = rng.random((n, 3)) * 12.0
    edge_index, shifts = neighbor_list(positions, box, True, 5.0)
    settings = replace(SETTINGS, sigma=1.2)
    bound = lowest_hardness(settings)
    hardness = bound + 2.0 + rng.random(n)
    return {
        "electronegativity": rng.normal(size=n),
        "hardness": hardness,
        "curvature": hardness - bound,
        "interaction": interaction_matrix(torch.tensor(positions), torch.tensor(box), True, settings).numpy(),
        "total_charge": 1.0,
        "start": np.zeros(n),
        "edge_index": edge_index,
        "edge_vectors": positions[edge_index[1]] - positions[edge_index[0]] + np.asarray(shifts) @ box,
        "length": 1.8,
        "lone": bound,
        "cutoff": 5.0,
        "tolerance": 1e-10,
        "max_iterations": 100,
    }


def test_conjugate_gradients_in_cpp_find_the_dense_solution() -> None:
    arguments = dense()
    found = core.equilibrate(**arguments)
    expected = equilibrium_charges(
        *(torch.tensor(arguments[key]) for key in ("electronegativity", "hardness", "interaction")), 1.0
    ).numpy()
    assert found["converged"] and found["error"] <= 1e-10
    np.testing.assert_allclose(found["charge"], expected, rtol=0.0, atol=1e-10)
    derivative = (
        arguments["electronegativity"]
        + arguments["hardness"] * expected
        + arguments["interaction"] @ expected
    )
    np.testing.assert_allclose(found["chemical_potential"], derivative, rtol=0.0, atol=1e-8)


def test_warm_start_and_preconditioner_save_iterations() -> None:
    arguments = dense(200)
    cold = core.equilibrate(**arguments)
    no_edges = {"edge_index": np.zeros((2, 0), dtype=int), "edge_vectors": np.zeros((0, 3))}
    diagonal = core.equilibrate(**{**arguments, **no_edges})
    assert cold["iterations"] < 0.8 * diagonal["iterations"]
    near = cold["charge"] + 1e-6 * np.random.default_rng(0).normal(size=200)
    warm = core.equilibrate(**{**arguments, "start": near})
    assert warm["iterations"] < 0.6 * cold["iterations"]
    again = core.equilibrate(**{**arguments, "start": cold["charge"]})
    assert again["iterations"] == 0


def test_outcomes_that_are_no_solution() -> None:
    arguments = dense()
    few = core.equilibrate(**{**arguments, "max_iterations": 2})
    assert not few["converged"] and few["positive_definite"] and few["iterations"] == 2
    soft = core.equilibrate(**{**arguments, "hardness": arguments["hardness"] - 50.0})
    assert not soft["converged"] and not soft["positive_definite"]


def test_both_phases_in_cpp_against_torch(model: Path) -> None:
    from pair_les.data.neighbors import neighbor_list

    atoms = ions()
    edge_index, shifts = neighbor_list(atoms.positions, CELL, True, 5.0)
    vectors = atoms.positions[edge_index[1]] - atoms.positions[edge_index[0]] + np.asarray(shifts) @ CELL
    species = np.array([0, 1] * 7)
    charge = np.random.default_rng(0).normal(size=len(atoms))
    evaluator = core.Evaluator(str(model), chunk_atoms=5)
    evaluator.forward(species, edge_index, vectors, len(species))
    electronegativity, hardness = evaluator.electronegativity, evaluator.hardness
    evaluator.backward(charge)

    module, _ = load_model(model)
    edges = torch.tensor(vectors, requires_grad=True)
    output = module(torch.tensor(species), torch.tensor(edge_index), edges, len(species))
    q = torch.tensor(charge)
    total = output["energy"] + output["electronegativity"] * q + 0.5 * output["hardness"] * q**2
    (gradient,) = torch.autograd.grad(total.sum(), edges)
    assert len(evaluator.charge) == 0
    np.testing.assert_allclose(electronegativity, output["electronegativity"].detach(), rtol=1e-13)
    np.testing.assert_allclose(hardness, output["hardness"].detach(), rtol=1e-13)
    np.testing.assert_allclose(evaluator.edge_gradient, gradient, rtol=1e-12, atol=1e-12)


def test_lowest_hardness_is_the_same_in_cpp() -> None:
    for kept in (False, True):
        found = core.lowest_hardness(core.LongRange(1.3, 14.3, kept))
        assert abs(found - lowest_hardness(LongRange(1.3, 14.3, kept))) <= tol.PURE_FUNCTION_RELATIVE * 20.0


# ------------------------------------------------------------------------------------------------- the contract


def test_written_as_version_2_and_latent_models_as_version_1(model: Path) -> None:
    metadata = read_metadata(model)
    assert metadata.long_range == SETTINGS
    assert metadata.format_version == 2
    assert Metadata.from_json(metadata.to_json(), "copy") == metadata
    assert '"format_version": 2' in metadata.to_json()
    latent = replace(metadata, long_range=with_fixed_sum(SETTINGS))
    assert latent.format_version == 1 and "charge_model" not in latent.to_json()
    assert "equilibrated charges" in inspect(model) and "version 2" in inspect(model)


def test_latent_charges_may_be_said_in_version_2(tmp_path: Path) -> None:
    def version_2(data: dict[str, Any]) -> None:
        data["format_version"] = 2
        data["long_range"]["charge_model"] = "latent"

    write_model(tmp_path / "1.pt")
    write_model(tmp_path / "2.pt", edit_metadata=version_2)
    assert read_metadata(tmp_path / "2.pt") == read_metadata(tmp_path / "1.pt")
    assert not core.Evaluator(str(tmp_path / "2.pt")).metadata.long_range.equilibrates
    energies = []
    for name in ("1.pt", "2.pt"):
        atoms = ions()
        atoms.calc = LESCalculator(tmp_path / name)
        energies.append(atoms.get_potential_energy())
    assert energies[0] == energies[1]


BROKEN = {
    "neutralize": (
        lambda data: data["long_range"].update(neutralize=False),
        "neutralize.*must be true where charge_model is 'equilibration'",
    ),
    "charge_model": (
        lambda data: data["long_range"].update(charge_model="qeq"),
        "charge_model.*must be 'latent' or 'equilibration'",
    ),
    "missing": (lambda data: data["long_range"].pop("charge_model"), "long_range.charge_model' is missing"),
    "committee": (lambda data: data.update(committee=3), "committee.*must be 1"),
}


@pytest.mark.parametrize("key", BROKEN)
def test_broken_rules(tmp_path: Path, key: str) -> None:
    edit, message = BROKEN[key]
    path = tmp_path / "broken.pt"
    write_model(path, "equilibration", edit_metadata=edit)
    with pytest.raises(ContractError, match=message):
        read_metadata(path)
    with pytest.raises(RuntimeError, match=message):
        core.Evaluator(str(path))


def test_hardness_below_that_of_a_gaussian_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "soft.pt"
    write_model(path, "equilibration", eta0=11.0, stiffening=0.0)
    atoms = ions()
    atoms.calc = LESCalculator(path)
    message = r"a hardness is 11(\.0+)? eV/e\^2 but must be > 11\.48.*self_interaction false"
    with pytest.raises(ContractError, match=message):
        atoms.get_potential_energy()
    evaluator = core.Evaluator(str(path))
    with pytest.raises(RuntimeError, match=message):
        evaluator.forward(np.array([0]), np.zeros((2, 0), dtype=int), np.zeros((0, 3)), 1)


def test_missing_output_is_named(tmp_path: Path) -> None:
    path = tmp_path / "latent.pt"
    write_model(
        path,
        "pair",
        neutralize=True,
        edit_metadata=lambda data: (
            data.update(format_version=2),
            data["long_range"].update(charge_model="equilibration"),
        ),
    )
    atoms = ions()
    atoms.calc = LESCalculator(path)
    with pytest.raises(ContractError, match="forward returned no 'electronegativity', only .*version 2"):
        atoms.get_potential_energy()


# ------------------------------------------------------------------------------------------------------ training


def configuration(folder: Path, **training: Any) -> Any:
    values = tiny_config(folder, **training)
    values["model"]["cutoff"] = 5.0
    values["model"]["long_range"] = {"charge_model": "equilibration"}
    return parse_config(values, "test")


@pytest.mark.slow
def test_training_learns_and_exports(tmp_path: Path) -> None:
    """From energies and forces of frames in three total charges: what the charges are, and what another electron costs."""
    teacher, student = tmp_path / "teacher.pt", tmp_path / "student.pt"
    write_model(teacher, "equilibration", alpha=0.2)
    labeled(teacher, tmp_path, 48)
    run = train(configuration(tmp_path, epochs=25))
    assert [check.quantity for check in export(run, student)] == ["energy", "charge", "forces"]
    assert read_metadata(student).format_version == 3

    energies, charges = np.empty((2, 4, 4)), np.empty((2, 4, 4, 8))
    for frame in range(4):
        atoms = ions(8, seed=1000 + frame, periodic=frame % 2 == 0)
        for state in range(4):
            for which, file in enumerate((teacher, student)):
                atoms.calc = LESCalculator(file, total_charge=state - 1.0)
                energies[which, frame, state] = atoms.get_potential_energy()
                charges[which, frame, state] = atoms.get_charges()
    of_states = energies - energies.mean(axis=2, keepdims=True)
    error = float((of_states[1] - of_states[0]).std() / of_states[0].std())
    agreement = float(np.corrcoef(charges.reshape(2, -1))[0, 1])
    print(
        f"error of the energies of charge states {error:.2f} of their spread, correlation of charges {agreement:.3f}"
    )
    assert error < 0.3
    assert agreement > 0.9


def test_what_training_refuses(tmp_path: Path, model: Path) -> None:
    labeled(model, tmp_path)
    config = configuration(tmp_path, epochs=1, charge_loss={"bec": 1.0})
    with pytest.raises(ConfigError, match=r"charge_loss.bec = 1: .*set it to 0"):
        train(config)
    with pytest.raises(ConfigError, match="neutralize.*must be true"):
        parse_config(
            {
                **tiny_config(tmp_path),
                "model": {
                    "cutoff": 5.0,
                    "long_range": {"charge_model": "equilibration", "neutralize": False},
                },
            },
            "test",
        )


def test_committees_are_refused(tmp_path: Path, model: Path) -> None:
    labeled(model, tmp_path)
    run = train(configuration(tmp_path, epochs=1))
    with pytest.raises(RunError, match="charge_model equilibration are not supported: export one network"):
        export([run, run], tmp_path / "model.pt")
