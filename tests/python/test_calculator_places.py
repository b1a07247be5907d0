# SPDX-License-Identifier: MIT
"""Where the ASE calculator runs: devices, other processes, copies."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import re
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tolerances as tol
import torch
from analytic_models import write_model
from ase import Atoms
from pair_les import LESCalculator
from pair_les.errors import DeviceError, RunError
from pair_les.installation.device import require_device


@pytest.fixture
def atoms(tmp_path: Path) -> Atoms:
    """A charged, periodic configuration with a calculator of ``model.pt`` in `tmp_path`."""
    write_model(tmp_path / "model.pt")
    positions = [[0.0, 0.0, 0.0], [2.8, 0.2, 0.0], [0.1, 2.9, 0.3]]
    calculator = LESCalculator(tmp_path / "model.pt", total_charge=1.5)
    return Atoms("NaClNa", positions, cell=[6.0, 7.0, 8.0], pbc=True, calculator=calculator)


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("foo", "device 'foo': must be 'cpu', 'cuda' or 'cuda:N': use 'cpu'"),
        (3.5, "device 3.5: must be 'cpu', 'cuda' or 'cuda:N': use 'cpu'"),
        pytest.param(
            "cuda",
            "device 'cuda': torch {version} finds the CPU only on this machine: use 'cpu'",
            marks=pytest.mark.skipif(torch.accelerator.is_available(), reason="there is a GPU"),
        ),
        ("xla:7", "device 'xla:7': torch {version} finds"),
    ],
)
def test_device_that_is_not_there(device: Any, message: str, tmp_path: Path) -> None:
    """Said before the file is opened, and of a file that is not even there."""
    with pytest.raises(
        DeviceError, match="^" + re.escape(message.format(version=torch.__version__))
    ) as raised:
        LESCalculator(tmp_path / "none.pt", device=device)
    assert "\n" not in str(raised.value)


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        torch.accelerator, "current_accelerator", lambda check_available=False: torch.device("cuda")
    )
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: 2)


@pytest.mark.usefixtures("two_gpus")
def test_devices_that_are_there() -> None:
    for device in ("cpu", "cuda", "cuda:1", torch.device("cuda:0")):
        assert require_device(device) == torch.device(device)
    with pytest.raises(
        DeviceError, match="device 'cuda:2': torch finds 2 of this kind: use 'cuda:1' or less"
    ):
        require_device("cuda:2")
    with pytest.raises(DeviceError, match="finds the CPU and 'cuda' on this machine: use 'cpu' or 'cuda'"):
        require_device("xpu")


def test_pickled_and_copied(atoms: Atoms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Path and settings, read again elsewhere; copies within a process read nothing."""
    monkeypatch.chdir(tmp_path)
    atoms.calc = LESCalculator("model.pt", total_charge=1.5)
    energy = atoms.get_potential_energy()
    pickled = pickle.dumps(atoms)
    monkeypatch.chdir(tmp_path.parent)
    again = pickle.loads(pickled)
    assert again.calc.results["energy"] == energy and again.calc.module is not atoms.calc.module
    for other in (again.calc, copy.copy(atoms.calc), copy.deepcopy(atoms.calc)):
        assert other is not atoms.calc and other.total_charge == 1.5
        fresh = atoms.copy()
        fresh.positions += 1.0  # another calculation, not the kept result
        fresh.calc = other
        assert fresh.get_potential_energy() == pytest.approx(energy, abs=tol.SYMMETRY)
    assert atoms.calc.results["energy"] == energy and (atoms.calc.atoms.positions == atoms.positions).all()

    write_model(tmp_path / "model.pt", alpha=0.2)
    with pytest.raises(
        RunError, match="model.pt: the model file of a pickled LESCalculator is another one by now"
    ):
        pickle.loads(pickled)
    (tmp_path / "model.pt").unlink()
    copied = copy.deepcopy(atoms)
    copied.rattle(0.01)
    assert np.isfinite(copied.get_potential_energy())
    with pytest.raises(
        RunError, match="model.pt: the model file of a pickled LESCalculator does not exist here"
    ):
        pickle.loads(pickled)


def energy_of(atoms: Atoms) -> float:
    return atoms.get_potential_energy()


@pytest.mark.slow
def test_in_another_process(atoms: Atoms) -> None:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = pool.submit(energy_of, atoms).result(timeout=120)
    assert found == pytest.approx(atoms.get_potential_energy(), abs=tol.CONVERGED_SUM)
