# SPDX-License-Identifier: MIT
"""The ASE calculator over analytic model files: exact derivatives, symmetries, limits and errors."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tolerances as tol
import torch
from analytic_models import KE, write_model, zero_charge_configuration
from ase import Atoms
from ase.calculators.calculator import PropertyNotImplementedError
from ase.stress import voigt_6_to_full_3x3_stress
from numpy.typing import NDArray
from pair_les import LESCalculator
from pair_les.errors import GeometryError
from pair_les.evaluation import checked_forward, evaluate
from pair_les.long_range import long_range_energy
from pair_les.model_file.metadata import ContractError
from pair_les.observables import observe

LONG_RANGE: dict[str, dict[str, Any]] = {
    "null": {"sigma": None},
    "plain": {},
    "self": {"self_interaction": True, "sigma": 1.2},
    "neutralize": {"neutralize": True},
    "all": {"self_interaction": True, "neutralize": True, "coulomb_constant": 14.3315},
    "fixed charges": {"alpha": 0.0},
    "vanishing": {"kind": "vanishing_charge"},
    "message passing": {"kind": "message_passing"},
}

Make = Callable[..., LESCalculator]


@pytest.fixture
def calculator(tmp_path: Path) -> Make:
    def make(kind: str = "pair", **options: Any) -> LESCalculator:
        write_model(tmp_path / "model.pt", kind, **options)
        return LESCalculator(tmp_path / "model.pt")

    return make


def fluid(name: str) -> Atoms:
    """Na and Cl on a jittered grid, 2.6 A apart and more: neutral, charged, triclinic, small or isolated."""
    rng = np.random.default_rng(len(name))
    spacing = 3.4
    shape = (1, 1, 2) if name == "smaller than the cutoff" else (2, 2, 3)
    grid = np.stack(np.meshgrid(*[np.arange(size) for size in shape], indexing="ij"), axis=-1).reshape(-1, 3)
    positions = grid * spacing + rng.uniform(-0.4, 0.4, grid.shape)
    symbols = ["Na" if triple.sum() % 2 == 0 else "Cl" for triple in grid]
    if name == "charged":
        symbols[1] = symbols[2] = "Na"
    atoms = Atoms(symbols, positions, cell=np.array(shape) * spacing, pbc=name != "isolated")
    if name == "triclinic":
        deformation = np.array([[1.0, 0.0, 0.0], [0.25, 0.95, 0.0], [-0.15, 0.2, 1.1]])
        atoms.set_cell(atoms.cell.array @ deformation, scale_atoms=True)
        atoms.positions += rng.integers(-2, 3, (len(atoms), 3)) @ atoms.cell.array  # outside the cell
    if name == "isolated":
        atoms.cell = None
    return atoms


def numerical(energy: Callable[[float], float], step: float) -> float:
    """Derivative at 0 by fourth-order central differences."""
    return (energy(-2 * step) - 8 * energy(-step) + 8 * energy(step) - energy(2 * step)) / (12 * step)


def derivative_along(atoms: Atoms, direction: NDArray[np.float64]) -> float:
    """Derivative of the energy, eV/angstrom, where atoms move along `direction` [n, 3]."""

    def energy(distance: float) -> float:
        moved = atoms.copy()
        moved.positions += distance * direction
        moved.calc = atoms.calc
        return moved.get_potential_energy()

    return numerical(energy, 2e-3)


def derivative_by_strain(atoms: Atoms, strain: NDArray[np.float64]) -> float:
    """Derivative of the energy, eV, to the amount of a symmetric strain [3, 3]."""

    def energy(amount: float) -> float:
        strained = atoms.copy()
        strained.set_cell(atoms.cell.array @ (np.eye(3) + amount * strain), scale_atoms=True)
        strained.calc = atoms.calc
        return strained.get_potential_energy()

    return numerical(energy, 1e-4)


@pytest.mark.parametrize("system", ["neutral", "charged", "triclinic", "isolated", "smaller than the cutoff"])
@pytest.mark.parametrize("options", LONG_RANGE)
def test_forces_and_stress_are_derivatives(calculator: Make, system: str, options: str) -> None:
    """Every long-range option in every geometry; the charges depend on positions, so the chain term is in."""
    atoms = fluid(system)
    atoms.calc = calculator(**LONG_RANGE[options])
    rng = np.random.default_rng(5)
    forces = atoms.get_forces()
    direction = rng.normal(size=forces.shape)
    direction /= np.linalg.norm(direction)  # every component of every force counts
    assert -(forces * direction).sum() == pytest.approx(
        derivative_along(atoms, direction), abs=tol.FINITE_DIFFERENCE_FORCE
    )
    np.testing.assert_allclose(forces.sum(axis=0), 0.0, atol=tol.SYMMETRY)
    if system != "isolated":
        strain = rng.uniform(-1.0, 1.0, (3, 3))
        strain = (strain + strain.T) / 2
        virial = voigt_6_to_full_3x3_stress(atoms.get_stress()) * atoms.get_volume()
        expected = derivative_by_strain(atoms, strain)
        assert (virial * strain).sum() == pytest.approx(expected, abs=tol.FINITE_DIFFERENCE_STRAIN)


@pytest.mark.parametrize("options", ["plain", "neutralize", "self"])
def test_chain_term_is_needed(calculator: Make, options: str) -> None:
    """The same energy with charges cut from the graph: forces at fixed charge are plainly wrong."""
    atoms = fluid("charged")
    atoms.calc = calculator(**LONG_RANGE[options])
    exact = atoms.get_forces()
    fixed = fluid("charged")
    fixed.calc = calculator(**LONG_RANGE[options], detached=True)
    assert fixed.get_potential_energy() == pytest.approx(atoms.get_potential_energy(), abs=tol.CONVERGED_SUM)
    assert abs(fixed.get_forces() - exact).max() > 0.1


def env_cases(shared: Path) -> list[dict[str, Any]]:
    cases = json.loads((shared / "vectors" / "les_vectors.json").read_text())["cases"]
    return [case for case in cases if "forces_total" in case]


def env_atoms(case: dict[str, Any], calculator: Make) -> Atoms:
    """Each atom a species of its own, because q0 belongs to the atom."""
    symbols = ["H", "He", "Li", "Be", "B", "C", "N", "O"][: len(case["q0"])]
    calc = calculator(
        species=symbols,
        q0=case["q0"],
        cutoff=4.0,
        amplitude=0.0,
        embedding=0.0,
        e0=[0.0] * len(symbols),
        sigma=case["sigma"],
        coulomb_constant=case["norm_factor"] / (2 * math.pi),
        self_interaction=not case["remove_self_interaction"],
    )
    return Atoms(symbols, case["positions"], cell=case["cell"], pbc=case["cell"] is not None, calculator=calc)


def test_published_vectors_with_environment_charges(calculator: Make, shared: Path) -> None:
    """Charges, energy and forces with the chain rule; the k sum truncated as the rows say.

    The rows sum over images -1..1: all there are within 4 A, because the cell is 10 A and the atoms lie in
    it.
    """
    cases = env_cases(shared)
    assert len(cases) >= 2
    for case in cases:
        atoms = env_atoms(case, calculator)
        if case["cell"] is not None:
            fractional = atoms.get_scaled_positions(wrap=False)
            assert (fractional > -0.1).all()
            assert (fractional < 1.1).all()
            assert min(atoms.cell.lengths()) > 2 * 4.0
        found = evaluate(
            atoms.calc.module,
            atoms.calc.metadata,
            np.arange(len(atoms)),
            atoms.positions,
            atoms.cell.array,
            atoms.pbc,
            k_cutoff=2 * math.pi / case["dl"],
        )
        np.testing.assert_allclose(found.charges, case["charges"], rtol=0, atol=tol.VECTORS)
        assert found.energy == pytest.approx(case["energy"], abs=tol.VECTORS)
        np.testing.assert_allclose(found.forces, case["forces_total"], rtol=0, atol=tol.VECTORS)


def test_charges_and_potential(calculator: Make) -> None:
    """Charges follow the rule of the model; E_lr is a quadratic form of them, so E_lr = 1/2 sum phi q."""
    atoms = fluid("charged")
    atoms.calc = calculator(self_interaction=True)
    charges, phi = atoms.get_charges(), atoms.calc.results["latent_potential"]
    q0 = np.where(atoms.symbols == "Na", 1.0, -1.0)
    expected = q0.copy()
    images = np.stack(np.meshgrid(*[np.arange(-1, 2)] * 3), axis=-1).reshape(-1, 3) @ atoms.cell.array
    for i in range(len(atoms)):
        for j in range(len(atoms)):
            r = np.linalg.norm(atoms.positions[j] - atoms.positions[i] + images, axis=1)
            r = r[(r > 0) & (r < 4.0)]
            expected[i] += 0.1 * q0[j] * ((1 - (r / 4.0) ** 2) ** 3).sum()
    np.testing.assert_allclose(charges, expected, atol=1e-13)
    assert 0.5 * phi @ charges == pytest.approx(
        atoms.calc.results["long_range_energy"], abs=tol.CONVERGED_SUM
    )


def test_potential_is_projected_with_neutralize(calculator: Make) -> None:
    atoms = fluid("charged")
    atoms.calc = calculator(neutralize=True)
    atoms.get_potential_energy()
    assert atoms.calc.results["latent_potential"].mean() == pytest.approx(0.0, abs=tol.CONVERGED_SUM)


@pytest.mark.parametrize("system", ["charged", "isolated"])
@pytest.mark.parametrize("neutralize", [False, True])
@pytest.mark.parametrize("total_charge", [None, 0.0, 1.5])
def test_charges_are_those_that_interact(
    calculator: Make, system: str, neutralize: bool, total_charge: float | None
) -> None:
    """Of the total charge asked for, those of `observe`, and of the long-range energy in the same results."""
    atoms = fluid(system)
    atoms.symbols[1] = (
        "Na"  # as many of either, and the charges of this model would add up to 0 by themselves
    )
    model = calculator(neutralize=neutralize).model_path
    atoms.calc = LESCalculator(model, total_charge=total_charge)
    charges = atoms.get_charges()
    np.testing.assert_allclose(
        charges, observe(model, atoms, total_charge=total_charge, born=False).charges, atol=tol.CONVERGED_SUM
    )
    network = LESCalculator(calculator().model_path).get_charges(atoms)
    expected = network.sum()
    if total_charge is not None or neutralize:
        expected = total_charge or 0.0
        assert abs(network.sum() - expected) > 1e-2
    assert charges.sum() == pytest.approx(expected, abs=tol.CONVERGED_SUM)
    assert np.ptp(charges - network) < tol.CONVERGED_SUM
    energy = long_range_energy(
        torch.tensor(atoms.positions),
        torch.tensor(charges),
        torch.tensor(atoms.cell.array)[None],
        torch.tensor([system != "isolated"]),
        torch.zeros(len(atoms), dtype=torch.int64),
        replace(atoms.calc.metadata.long_range, neutralize=False),
    )
    assert energy.item() == pytest.approx(atoms.calc.results["long_range_energy"], abs=tol.CONVERGED_SUM)


def test_short_range_model_has_no_charges(calculator: Make) -> None:
    atoms = fluid("neutral")
    atoms.calc = calculator(sigma=None)
    atoms.get_potential_energy()
    assert set(atoms.calc.results) == {"energy", "free_energy", "forces", "stress"}
    with pytest.raises(PropertyNotImplementedError):
        atoms.get_charges()


def test_short_range_energy_in_closed_form(calculator: Make) -> None:
    """Two atoms: Born-Mayer pair, embedding and reference energies, in numbers."""
    atoms = Atoms("NaCl", [[0, 0, 0], [0, 0, 2.8]])
    atoms.calc = calculator(sigma=None)
    f = (1 - (2.8 / 5.0) ** 2) ** 3
    expected = -1.0 - 1.5 + 1000.0 * math.exp(-2.8 / 0.317) * f + 2 * 0.01 * f**2
    assert atoms.get_potential_energy() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("pbc", [False, True])
def test_one_atom_alone(calculator: Make, pbc: bool) -> None:
    """No edges: the atom keeps its own energy and its own charge."""
    atoms = Atoms("Cl", [[1.0, 2.0, 3.0]], cell=[30.0] * 3, pbc=pbc)
    atoms.calc = calculator()
    wigner = -2.837297479480620 * KE / 60.0 + KE * math.pi / 30.0**3 if pbc else 0.0
    assert atoms.get_potential_energy() == pytest.approx(-1.5 + wigner, abs=tol.CONVERGED_SUM)
    np.testing.assert_allclose(atoms.get_forces(), 0.0, atol=tol.CONVERGED_SUM)
    np.testing.assert_array_equal(atoms.get_charges(), [-1.0])


def test_no_atoms(calculator: Make) -> None:
    atoms = Atoms(cell=[10.0] * 3, pbc=True)
    atoms.calc = calculator()
    assert atoms.get_potential_energy() == 0.0
    assert atoms.get_forces().shape == (0, 3)
    np.testing.assert_array_equal(atoms.get_stress(), np.zeros(6))


def test_exactly_zero_charge_has_an_exact_force(calculator: Make) -> None:
    symbols, positions, edge = zero_charge_configuration()
    atoms = Atoms(symbols, positions, cell=[edge] * 3, pbc=True)
    atoms.calc = calculator("zero_charge_atom")
    assert atoms.get_charges()[0] == 0.0
    along_x = np.zeros((len(atoms), 3))
    along_x[0, 0] = 1.0
    assert -atoms.get_forces()[0, 0] == pytest.approx(
        derivative_along(atoms, along_x), abs=tol.FINITE_DIFFERENCE_FORCE
    )
    fixed = atoms.copy()
    fixed.calc = calculator("zero_charge_atom", detached=True)
    assert (
        abs(fixed.get_forces()[0, 0] - atoms.get_forces()[0, 0]) > 1e-2
    )  # the charge is 0, its gradient is not


def test_charges_that_vanish_exactly(calculator: Make) -> None:
    atoms = Atoms("NaClNaCl", [[0, 0, 0], [0, 0, 6], [6, 0, 0], [6, 0, 6]], cell=[12.0] * 3, pbc=True)
    atoms.calc = calculator("vanishing_charge")
    assert atoms.get_potential_energy() == -5.0
    np.testing.assert_array_equal(atoms.get_charges(), np.zeros(4))
    np.testing.assert_array_equal(atoms.get_forces(), np.zeros((4, 3)))


@pytest.mark.parametrize("system", ["charged", "triclinic", "isolated"])
def test_symmetries(calculator: Make, system: str) -> None:
    """Translation, rotation, permutation, and a repeated cell."""
    atoms = fluid(system)
    atoms.calc = calc = calculator()
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()

    def check(other: Atoms, expected: NDArray, times: int = 1) -> None:
        other.calc = calc
        assert other.get_potential_energy() == pytest.approx(times * energy, abs=tol.SYMMETRY)
        np.testing.assert_allclose(other.get_forces(), expected, rtol=0, atol=tol.SYMMETRY)

    moved = atoms.copy()
    moved.positions += [17.3, -101.9, 4.4]
    check(moved, forces)

    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[
        0
    ]  # improper ones are symmetries too
    rotated = atoms.copy()
    rotated.positions = atoms.positions @ rotation
    rotated.cell = atoms.cell.array @ rotation
    check(rotated, forces @ rotation)

    order = np.random.default_rng(1).permutation(len(atoms))
    check(atoms[order], forces[order])
    if system != "isolated":
        check(atoms.repeat((1, 2, 1)), np.tile(forces, (2, 1)), 2)


@pytest.mark.parametrize("system", ["charged", "isolated"])
def test_float32_model(calculator: Make, system: str) -> None:
    """Close to its float64 twin, also 400 A from the origin, where absolute float32 positions would fail."""
    atoms = fluid(system)
    atoms.calc = calculator()
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    atoms.calc = calculator(dtype="float32")
    for shift in (0.0, 399.0):
        atoms.positions += shift
        assert atoms.get_potential_energy() == pytest.approx(energy, rel=tol.FLOAT32_RELATIVE)
        np.testing.assert_allclose(
            atoms.get_forces(), forces, rtol=0, atol=tol.FLOAT32_RELATIVE * abs(forces).max()
        )


# ----------------------------------------------------------------------------------------------------- errors


def test_unknown_element(calculator: Make, tmp_path: Path) -> None:
    atoms = Atoms("NaK", [[0, 0, 0], [0, 0, 3]], calculator=calculator())
    message = (
        f"{tmp_path / 'model.pt'}: element 'K' is not among the species of the model (Na, Cl): "
        "use a model trained with it"
    )
    with pytest.raises(ContractError, match=f"^{re.escape(message)}$"):
        atoms.get_potential_energy()


def test_stress_without_periodicity(calculator: Make) -> None:
    atoms = fluid("isolated")
    atoms.calc = calculator()
    with pytest.raises(
        PropertyNotImplementedError, match="stress needs a cell that is periodic in all three"
    ):
        atoms.get_stress()


def test_dipole_of_an_isolated_system(calculator: Make) -> None:
    atoms = fluid("isolated")
    atoms.calc = calculator()
    np.testing.assert_array_equal(atoms.get_dipole_moment(), atoms.get_charges() @ atoms.positions)


@pytest.mark.parametrize("distance", [0.0005, 0.0])
@pytest.mark.parametrize("kind", ["pair", "message_passing"])
def test_atoms_at_one_place(calculator: Make, kind: str, distance: float) -> None:
    """Energies are finite for most distances, and have no meaning."""
    atoms = Atoms("NaCl", [[0.0, 0.0, 0.0], [distance, 0.0, 0.0]], calculator=calculator(kind))
    message = rf"atoms (0 and 1|1 and 0) are {distance:g} A apart, less than the 0.01 A"
    with pytest.raises(GeometryError, match=message):
        atoms.get_potential_energy()
    assert not atoms.calc.results


def test_energy_that_is_not_finite(calculator: Make) -> None:
    atoms = fluid("neutral")
    atoms.calc = calculator(e0=[math.nan, 0.0])
    with pytest.raises(GeometryError, match="returned an energy that is not finite: atoms are too close, or"):
        atoms.get_forces()
    with pytest.raises(GeometryError, match="returned an energy that is not finite"):
        observe(atoms.calc.model_path, atoms)


def test_network_that_raises(calculator: Make) -> None:
    atoms = fluid("neutral")
    atoms.calc = calculator("raising", max_edges=3)
    with pytest.raises(
        ContractError, match=r"forward failed for 12 atoms: .*more edges than max_edges"
    ) as raised:
        atoms.get_potential_energy()
    assert "\n" not in str(raised.value)


def test_missing_charge_output(calculator: Make) -> None:
    atoms = fluid("neutral")
    atoms.calc = calculator(charged=False)
    with pytest.raises(
        ContractError, match=r"forward returned no 'charge', only \['energy'\]: contract version 1"
    ):
        atoms.get_potential_energy()


class OneEnergy(torch.nn.Module):
    """Breaks the contract: one energy for all atoms."""

    def forward(
        self, species: torch.Tensor, edge_index: torch.Tensor, edge_vectors: torch.Tensor, n_local: int
    ) -> dict[str, torch.Tensor]:
        return {"energy": edge_vectors.sum()}


class Flat(torch.nn.Module):
    """Looks at its inputs as one row of numbers, which needs contiguous tensors."""

    def forward(
        self, species: torch.Tensor, edge_index: torch.Tensor, edge_vectors: torch.Tensor, n_local: int
    ) -> dict[str, torch.Tensor]:
        center = edge_index.view(-1)[: edge_index.size(1)]
        squares = edge_vectors.view(-1).square().view(-1, 3).sum(1)
        energy = torch.zeros(n_local, dtype=squares.dtype).index_add(0, center, squares)
        return {"energy": energy + 0.0 * species.view(-1)[:n_local], "charge": 0.01 * energy}


def test_the_network_gets_contiguous_tensors(calculator: Make) -> None:
    """ASE, observables and evaluation; a neighbor list is a selection of columns."""
    atoms = fluid("neutral")
    atoms.calc = calculator()
    atoms.calc.module = torch.jit.script(Flat())
    assert np.isfinite(atoms.get_forces()).all()
    species, edges, vectors = (
        torch.tensor([[0, 9], [1, 9]])[:, 0],
        torch.tensor([[0, 1], [1, 0]]).T,
        torch.ones(3, 2),
    )
    vectors = vectors.double().T.requires_grad_()
    assert not (species.is_contiguous() or edges.is_contiguous() or vectors.is_contiguous())
    energy, _ = checked_forward(atoms.calc.module, atoms.calc.metadata, species, edges, vectors, "m.pt")
    assert energy.tolist() == [3.0, 3.0]


class DoubleCharge(torch.nn.Module):
    """Breaks the contract of a float32 model: charges in float64."""

    def forward(
        self, species: torch.Tensor, edge_index: torch.Tensor, edge_vectors: torch.Tensor, n_local: int
    ) -> dict[str, torch.Tensor]:
        energy = torch.zeros(n_local, dtype=edge_vectors.dtype) + 0.0 * edge_vectors.sum()
        return {"energy": energy, "charge": energy.double()}


def test_wrong_dtype(calculator: Make) -> None:
    atoms = fluid("neutral")
    atoms.calc = calculator(dtype="float32")
    atoms.calc.module = torch.jit.script(DoubleCharge())
    with pytest.raises(
        ContractError, match="'charge' is float64, must be float32 as the metadata key 'dtype' says$"
    ):
        atoms.get_potential_energy()


def test_wrong_shape(calculator: Make) -> None:
    calc = calculator(sigma=None)
    calc.module = torch.jit.script(OneEnergy())
    atoms = fluid("neutral")
    atoms.calc = calc
    with pytest.raises(ContractError, match=re.escape("'energy' has shape (), must be [n_local] = (12,)")):
        atoms.get_potential_energy()
