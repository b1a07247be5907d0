# SPDX-License-Identifier: MIT
"""``pair-les lammps``: the files of a structure run as they are, and LAMMPS computes what Python does."""

from __future__ import annotations

import harness
import numpy as np
import pytest
import tolerances
from ase import Atoms
from ase.build import molecule
from ase.io import write
from pair_les.errors import DataError, UserError
from pair_les.lammps.check import check
from pair_les.lammps.write_input import write_input
from pair_les.model_file.metadata import ContractError


def salt_water(**box) -> Atoms:
    """Ions and molecules, hydrogen first: not the order of the species of the model."""
    atoms = molecule("H2O")[[1, 2, 0]]
    other = molecule("H2O")
    other.translate([3.0, 0.4, 0.2])
    return Atoms(atoms + other, **box)


SKEWED = [[7.0, 0.0, 0.0], [5.5, 6.5, 0.0], [0.8, -1.1, 7.5]]
FIRST_STEP = [("variable        steps index 1000", "variable        steps index 0")]


def run(folder, atoms, path, changes=FIRST_STEP):
    """The output of the written input, and the run."""
    write(folder / "structure.xyz", atoms, format="extxyz")
    files = write_input(folder / "structure.xyz", path, folder / "run")
    script = files.script.read_text()
    for old, new in changes:
        assert old in script
        script = script.replace(old, new)
    return files, script, harness.run_lammps(script, folder / "run")


@pytest.mark.parametrize(
    ("box", "lines"),
    [
        ({"cell": [7.0, 7.5, 8.0], "pbc": True}, ["p p p", "kspace_style    pppm"]),
        ({"cell": SKEWED, "pbc": True}, ["p p p", "kspace_style    pppm"]),
        ({}, ["m m m"]),
    ],
    ids=["periodic", "triclinic", "cluster"],
)
def test_agrees_with_python(tmp_path, model, box, lines):
    path = model(species=["Na", "O", "H"], q0=[0.5, -0.8, 0.4], neutralize=True)
    atoms = salt_water(**box)
    files, script, _ = run(tmp_path, atoms, path)
    assert files.elements == ("O", "H") and f"pair_coeff      * * {path.name} O H\n" in script
    assert all(line in script for line in lines) and ("kspace_style" in script) == bool(box)
    (frame,) = check(files.model, tmp_path / "run" / "run.dump")
    assert frame.n_atoms == len(atoms) and frame.agrees()


def test_slab(tmp_path, model):
    """Also one whose free direction is y: the box of LAMMPS has it along z."""
    path = model(species=["O", "H"], q0=[-0.8, 0.4], neutralize=True)
    energies = []
    for free in (2, 1):
        folder = tmp_path / str(free)
        folder.mkdir()
        atoms = salt_water(cell=[7.0, 7.5, 9.0], pbc=True)
        turn = (free - 2) % 3
        order = np.roll(np.arange(3), turn)
        atoms.positions, atoms.cell = atoms.positions[:, order], np.diag(np.array([7.0, 7.5, 9.0])[order])
        atoms.pbc = np.arange(3) != free
        _, script, result = run(folder, atoms, path)
        assert "boundary        p p f" in script and "kspace_modify   slab 3.0" in script
        energies.append(result.column("PotEng")[0])
    assert energies[0] == pytest.approx(energies[1], abs=tolerances.MOVED_MESH_ENERGY)


def test_runs_as_it_is(tmp_path, model):
    """With dynamics; and one atom, which has no temperature."""
    path = model(species=["O", "H"], q0=[-0.8, 0.4])
    (tmp_path / "cluster").mkdir()
    changes = [("index 1000", "index 5")]
    _, _, result = run(tmp_path / "cluster", salt_water(), path, changes)
    assert result.column("Step")[-1] == 5 and result.column("Temp")[0] == pytest.approx(300.0)
    _, _, result = run(tmp_path, Atoms("O"), path, changes)
    assert result.column("Step")[-1] == 5


def test_refused(tmp_path, model):
    """Errors name what is wrong, and nothing is overwritten."""
    path = model(species=["O", "H"], q0=[-0.8, 0.4])
    file = tmp_path / "structure.xyz"

    def refuse(atoms: Atoms, error: type[Exception], message: str, frame: int = -1) -> None:
        write(file, atoms, format="extxyz")
        with pytest.raises(error, match=message):
            write_input(file, path, tmp_path / "run", frame)
        assert not (tmp_path / "run").exists()

    refuse(Atoms("NaCl", [[0, 0, 0], [0, 0, 2.5]]), ContractError, "element 'Na' is not among the species")
    refuse(salt_water(cell=[9, 9, 9], pbc=[True, False, False]), DataError, 'pbc is "T F F"')
    refuse(salt_water(cell=SKEWED, pbc=[True, True, False]), DataError, "slab is tilted by 5.5 A")
    refuse(salt_water(), DataError, "--frame 1: the file has 1 frames", frame=1)

    write(file, salt_water(), format="extxyz")
    write_input(file, path, tmp_path / "run")
    with pytest.raises(UserError, match="structure.data: exists already"):
        write_input(file, path, tmp_path / "run")
