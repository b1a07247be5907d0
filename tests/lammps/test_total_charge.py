# SPDX-License-Identifier: MIT
"""Model files of one charge state: LAMMPS shifts the charges to the total charge of the state, and to no other."""

from __future__ import annotations

from pathlib import Path

import harness
import numpy as np
import oracle
import pytest
import tolerances
import torch
from ase import Atoms
from compare import assert_equal
from pair_les import LESCalculator
from pair_les.model_file import LongRange, Metadata, save_model
from pair_les.net import NetSettings, network_class
from systems import System, random_fluid

FLUID = random_fluid({"Na": 13, "Cl": 11}, [[11.0, 0.0, 0.0], [1.5, 12.0, 0.0], [-2.0, 1.0, 13.0]], seed=6)
STATE = 0.0625  # e per atom: 1.5 e in all


def write_state(path: Path, neutralize: bool, state: float = STATE, layers: int = 0) -> Path:
    """A network with random weights that was told the charge state, exported for one."""
    torch.manual_seed(5)
    settings = NetSettings(4.5, message_passing_layers=layers, charge_state=True)
    net = network_class(settings)(["Na", "Cl"], settings, charge=True).double()
    with torch.no_grad():
        for weight in (net.readout.last.weight, net.readout.state.hidden, net.readout.state.output):
            weight.normal_(0.0, 0.3)
        net.state_unit.fill_(0.1)
    metadata = Metadata(
        ("Na", "Cl"),
        4.5,
        message_passing_layers=layers,
        long_range=LongRange(1.0, neutralize=neutralize),
        charge_per_atom=state,
    )
    save_model(path, torch.jit.script(net.at_charge_state(state)), metadata)
    return path


def pair(keywords: str) -> list[str]:
    return [f"pair_style les {keywords}", "pair_coeff * * model.pt Cl Na"]


def energy_in_ase(path: Path, system: System) -> float:
    atoms = Atoms(system.symbols, system.positions, cell=system.cell, pbc=True)
    atoms.calc = LESCalculator(path)
    return atoms.get_potential_energy()


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("layers", [0, 1])
def test_the_state_of_the_file(tmp_path, layers, ranks):
    """Charges, energy, forces and virial without a keyword: those of 1.5 e, in LAMMPS, the oracle and ASE."""
    path = write_state(tmp_path / "model.pt", neutralize=True, layers=layers)
    found = harness.evaluate(tmp_path, FLUID, path, ranks=ranks)
    assert found.charges.sum() == pytest.approx(1.5, abs=tolerances.TOTAL_CHARGE)
    assert_equal(found, oracle.evaluate(path, FLUID, total_charge=1.5), tolerances.EWALD)
    assert energy_in_ase(path, FLUID) / 24 == pytest.approx(found.energy / 24, abs=tolerances.EWALD.energy)


def test_states_differ(tmp_path):
    one = write_state(tmp_path / "model.pt", neutralize=True)
    other = write_state(tmp_path / "other.pt", neutralize=True, state=0.0)
    energies = [harness.evaluate(tmp_path, FLUID, path).energy for path in (one, other)]
    assert abs(energies[0] - energies[1]) > 0.1


@pytest.mark.parametrize("neutralize", [True, False])
def test_a_keyword_that_agrees(tmp_path, neutralize):
    path = write_state(tmp_path / "model.pt", neutralize)
    found = harness.evaluate(tmp_path, FLUID, path, pair=pair("charge 1.5"))
    assert_equal(found, oracle.evaluate(path, FLUID, total_charge=1.5), tolerances.EWALD)


def test_without_projection_the_sum_is_that_of_the_network(tmp_path):
    path = write_state(tmp_path / "model.pt", neutralize=False)
    found = harness.evaluate(tmp_path, FLUID, path)
    assert_equal(found, oracle.evaluate(path, FLUID), tolerances.EWALD)


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_keyword_that_contradicts(tmp_path, ranks):
    path = write_state(tmp_path / "model.pt", neutralize=True)
    script = harness.setup(tmp_path, FLUID, path, pair=pair("charge 1"))
    run = harness.run_lammps(script + "run 0\n", tmp_path, ranks=ranks, expect_error=True)
    assert run.returncode != 0
    (line,) = run.error_lines
    assert (
        "pair_style les charge 1 contradicts model file 'model.pt', which was exported for 0.0625 e per atom, "
        "1.5 e for 24 atoms; type 'pair_style les', or export the model with 'pair-les export --charge 1'"
    ) in line


def test_a_style_named_again_forgets_the_total_charge(tmp_path, model):
    """``charge 1`` is that of one command: a later ``pair_style les`` of a neutralized model is neutral again."""
    path = model(neutralize=True)
    script = harness.setup(tmp_path, FLUID, path, pair=pair("charge 1"))
    again = "\n".join(["run 0", *pair(""), "run 0", ""])
    run = harness.run_lammps(script + again + harness.DUMP, tmp_path)
    charges = run.dump()[-1]["q"]
    assert charges.sum() == pytest.approx(0.0, abs=tolerances.TOTAL_CHARGE)


def test_atoms_that_are_lost(tmp_path, model):
    """``thermo_modify lost ignore``: between two thermo outputs LAMMPS does not know how many atoms there are."""
    system = random_fluid({"Na": 12, "Cl": 12}, np.diag([11.0, 11.0, 11.0]), seed=6)
    script = harness.setup(
        tmp_path, system, model(), kspace=None, pair=pair("charge 0"), before_box=["boundary f f f"]
    )
    script += (
        "neigh_modify every 1 delay 0 check yes\nthermo 100\nthermo_modify lost ignore\n"
        "compute q all property/atom q\ncompute sum all reduce sum c_q\n"
        'fix say all print 10 "charges $(c_sum:%.15g)"\n'
        "group fast id 1:8\nvelocity fast set 800 0 0\nfix move all nve\nrun 30\n"
    )
    run = harness.run_lammps(script, tmp_path)
    assert run.column("Atoms")[-1] < len(system)
    sums = [float(value) for value in run.printed("charges")]
    assert len(sums) >= 3 and max(abs(value) for value in sums) < 1e-10, sums
