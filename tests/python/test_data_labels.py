# SPDX-License-Identifier: MIT
"""Labels and cells under other names, virials, isolated atoms: used, or named to the user, never passed over."""

from __future__ import annotations

from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms
from pair_les.data import LabelKeys, fit_reference_energies, read_data, read_frames
from pair_les.data.isolated_atoms import isolated_energies
from pair_les.data.label_survey import absent_labels
from pair_les.errors import DataError
from tiny_frames import tiny_frames, write_tiny

DEFAULTS = {"energy": "energy", "forces": "forces", "stress": "stress", "virial": "virial"}
LATTICE = 'Lattice="6.0 0.0 0.0 0.0 6.0 0.0 0.0 0.0 6.0"'
COLUMNS = "Properties=species:S:1:pos:R:3:forces:R:3"


def write_pair(file: Path, comment: str, columns: str = COLUMNS) -> Path:
    """Two atoms with energy and forces; the comment line says the rest."""
    atoms = ["Na 0.0 0.0 0.0 0.1 0.0 0.0", "Cl 2.5 0.0 0.0 -0.1 0.0 0.0"]
    file.write_text("\n".join(["2", f"{comment} {columns} energy=-1.0", *atoms, ""]))
    return file


@pytest.mark.parametrize(
    ("comment", "columns", "message"),
    [
        (LATTICE.replace("Lattice", "lattice"), COLUMNS, r"key 'lattice' is not read.*write Lattice="),
        (LATTICE.replace("Lattice", "cell"), COLUMNS, r"key 'cell' is not read"),
        ('cell="6.0 6.0 6.0" pbc="F F F"', COLUMNS, r"key 'cell' is not read.*remove the key"),
        (LATTICE.replace("Lattice", "LATTICE"), COLUMNS, r"key 'LATTICE' is not read"),
        (LATTICE.replace("Lattice", "unit_cell"), COLUMNS, r"key 'unit_cell' is not read"),
        (f'{LATTICE} PBC="F F F"', COLUMNS, r"key 'PBC' says \"F F F\" and is not read.*write pbc=\"F F F\""),
        (f"{LATTICE} periodic=F", COLUMNS, r"key 'periodic' says \"F F F\""),
        ('pbc="T T T"', COLUMNS, r"pbc is \"T T T\" and there is no cell: give Lattice="),
        (LATTICE, COLUMNS.replace("Prop", "prop"), r"key 'properties' is not read, and with it the columns"),
    ],
)
def test_cell_and_columns_under_names_that_are_not_read(
    tmp_path: Path, comment: str, columns: str, message: str
) -> None:
    file = write_pair(tmp_path / "a.xyz", comment, columns)
    with pytest.raises(DataError, match=rf"a\.xyz, frame 0 \(counted from 0\): .*{message}") as raised:
        read_frames([file])
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("comment", ["box=small", f"{LATTICE} periodic=T", f'{LATTICE} cell="1 2 3"'])
def test_keys_that_contradict_nothing_are_no_error(tmp_path: Path, comment: str) -> None:
    assert len(read_frames([write_pair(tmp_path / "a.xyz", comment)])) == 1


def test_near_misses_of_needed_labels_are_named_with_the_cure(tmp_path: Path) -> None:
    atoms = tiny_frames(1, labeled=False)[0]
    atoms.info["energy_dft"] = -3.5
    atoms.arrays["Forces"] = np.ones((8, 3))
    ase.io.write(tmp_path / "a.xyz", atoms)
    with pytest.raises(
        DataError, match=r"no energy label 'energy'.*--keys energy=NAME, as energy=energy_dft$"
    ):
        read_frames([tmp_path / "a.xyz"])
    with pytest.raises(DataError, match=r"no forces label 'forces'.*--keys forces=NAME, as forces=Forces$"):
        read_frames([tmp_path / "a.xyz"], LabelKeys(energy="energy_dft"))


def test_labels_that_are_not_used_are_listed_once(tmp_path: Path) -> None:
    frames = tiny_frames(4)
    for atoms in frames:
        atoms.info.update(Stress=np.eye(3), charge=1.0, step=5, gap=0.3, name="x")
        atoms.arrays["mulliken"] = np.zeros(len(atoms))
        atoms.calc.results.pop("stress", None)
    ase.io.write(tmp_path / "a.xyz", frames, format="extxyz")
    notes = read_data([tmp_path / "a.xyz"]).survey.notes(["a.xyz"], used=["mulliken"])
    assert len(notes) == 3 and not any("step" in note or "name" in note for note in notes)
    assert any(
        "'Stress' of 4 frames looks like a stress and is not used: data.keys.stress: Stress" in n
        for n in notes
    )
    assert any("'charge' of 4 frames looks like a total charge" in note for note in notes)
    assert notes[-1].endswith("number of frames: Stress (4), charge (4), gap (4)")


def test_a_name_that_no_frame_has_is_told(tmp_path: Path) -> None:
    file = write_tiny(tmp_path / "a.xyz", 2)
    survey = read_data([file], LabelKeys(stress="strss")).survey
    (line,) = absent_labels([survey], DEFAULTS, ["a.xyz"])
    assert line.startswith(
        "warning: a.xyz: no frame has a stress label 'strss' (there are: energy, forces, stress)"
    )
    assert any("'stress' of 2 frames looks like a stress" in note for note in survey.notes(["a.xyz"]))
    assert absent_labels([read_data([file]).survey], DEFAULTS, ["a.xyz"]) == []


# ------------------------------------------------------------------------------------- virials and stresses


def as_virial(frames: list[Atoms], name: str) -> list[Atoms]:
    """Periodic frames whose stress is given as a virial (eV) instead."""
    periodic = [atoms for atoms in frames if atoms.pbc.all()]
    for atoms in periodic:
        atoms.info[name] = -atoms.get_volume() * atoms.get_stress(voigt=False)
        del atoms.calc.results["stress"]
    return periodic


@pytest.mark.parametrize("name", ["virial", "REF_virial"])
def test_virial_is_minus_volume_times_stress(tmp_path: Path, name: str) -> None:
    expected = [atoms.get_stress(voigt=False) for atoms in tiny_frames(2)]
    ase.io.write(tmp_path / "a.xyz", as_virial(tiny_frames(2), name), format="extxyz")
    frames = read_frames([tmp_path / "a.xyz"], LabelKeys(virial=name))
    for frame, stress in zip(frames, expected, strict=True):
        np.testing.assert_allclose(frame.stress, stress, atol=1e-6)  # the file has 8 digits
    assert all(frame.stress is None for frame in read_frames([tmp_path / "a.xyz"], LabelKeys(virial=None)))
    data = read_data([tmp_path / "a.xyz"], LabelKeys(virial=None))
    assert any("looks like a virial" in note for note in data.survey.notes(["a.xyz"]))


def test_virial_named_as_the_stress_is_refused() -> None:
    with pytest.raises(
        DataError, match=r"data\.keys\.stress = REF_virial: .*write data\.keys\.virial: REF_virial"
    ):
        LabelKeys(stress="REF_virial")


def test_stress_and_virial_that_contradict_each_other(tmp_path: Path) -> None:
    atoms = tiny_frames(1)[0]
    atoms.info["virial"] = atoms.get_volume() * atoms.get_stress(voigt=False)  # the wrong sign
    ase.io.write(tmp_path / "a.xyz", atoms)
    with pytest.raises(
        DataError, match=r"stress label 'stress' .* contradicts virial label 'virial'.*virial: null"
    ):
        read_frames([tmp_path / "a.xyz"])
    assert read_frames([tmp_path / "a.xyz"], LabelKeys(virial=None))[0].stress is not None
    atoms.info["virial"] = -atoms.info["virial"]
    ase.io.write(tmp_path / "b.xyz", atoms)
    assert read_frames([tmp_path / "b.xyz"])[0].stress is not None


@pytest.mark.parametrize("name", ["stress", "virial"])
def test_stress_of_an_isolated_frame_is_an_error(tmp_path: Path, name: str) -> None:
    atoms = tiny_frames(3)[2]
    atoms.info[name] = np.eye(3)
    ase.io.write(tmp_path / "a.xyz", atoms, format="extxyz")
    with pytest.raises(
        DataError, match=rf"frame 0 .*: {name} label '{name}' of an isolated frame.*{name}: null"
    ):
        read_frames([tmp_path / "a.xyz"])
    assert read_frames([tmp_path / "a.xyz"], LabelKeys(**{name: None}))[0].stress is None


def test_left_handed_cells_are_the_same_crystal(tmp_path: Path) -> None:
    """Two lattice vectors exchanged: the same edges, right-handed vectors, the same stress."""
    from pair_les.data import build_graphs, collate

    atoms = tiny_frames(1)[0]
    right, left = tmp_path / "right.xyz", tmp_path / "left.xyz"
    ase.io.write(right, atoms)
    atoms.set_cell(atoms.cell.array[[1, 0, 2]])
    ase.io.write(left, atoms)
    batches = [collate(build_graphs(read_frames([file]), ["Na", "Cl"], 5.0)) for file in (right, left)]
    assert all(float(np.linalg.det(batch.cell[0].numpy())) > 0 for batch in batches)
    edges = [
        (batch.positions[batch.edge_index[1]] - batch.positions[batch.edge_index[0]] + batch.shifts).numpy()
        for batch in batches
    ]
    edges = [vectors[np.lexsort(vectors.round(6).T)] for vectors in edges]
    np.testing.assert_allclose(*edges, atol=1e-7)
    np.testing.assert_allclose(batches[0].stress, batches[1].stress, atol=1e-12)


# ------------------------------------------------------------------------------------------------ isolated atoms


def lone(symbol: str, energy: float, **info: object) -> Atoms:
    atoms = Atoms(symbol, info={"energy": energy, **info})
    if atoms.info.pop("periodic", False):
        atoms.set_cell(20.0 * np.eye(3))
        atoms.pbc = True
    return atoms


def test_lone_atoms_are_reference_energies_and_not_frames(tmp_path: Path) -> None:
    atoms = [
        lone("Na", -2.5, config_type="IsolatedAtom", periodic=True, stress=np.zeros(6)),
        *tiny_frames(3),
        lone("Cl", -5.5),  # no forces, nothing else it could be
        lone("O", -9.0, config_type="isolatedatom"),
        lone("Na", -2.5, periodic=True),
    ]
    ase.io.write(tmp_path / "a.xyz", atoms, format="extxyz")
    data = read_data([tmp_path / "a.xyz"])
    assert [frame.index for frame in data.frames] == [1, 2, 3]
    energies = isolated_energies(data.isolated_atoms)
    assert energies == {"Na": -2.5, "Cl": -5.5, "O": -9.0}
    assert fit_reference_energies(data.frames, ["Na", "Cl"], energies) == {"Na": -2.5, "Cl": -5.5}
    partly = fit_reference_energies(data.frames, ["Na", "Cl"], {"Na": -2.5})
    left = [
        f.energy + 2.5 * f.symbols.count("Na") - partly["Cl"] * f.symbols.count("Cl") for f in data.frames
    ]
    weights = [f.symbols.count("Cl") / len(f) ** 2 for f in data.frames]
    assert partly["Na"] == -2.5 and abs(np.dot(left, weights)) < 1e-9  # the normal equation of least squares


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (
            [Atoms("Na2", info={"energy": 0.0, "config_type": "IsolatedAtom"})],
            r"IsolatedAtom and 2 atoms, must be one",
        ),
        (
            [lone("Na", 0.0, config_type="IsolatedAtom", total_charge=1.0)],
            r"and total_charge = 1\.0, must be one neutral",
        ),
        ([lone("Na", 0.0, total_charge=1.0)], r"no forces label 'forces'"),
        ([Atoms("Na", cell=3.0 * np.eye(3), pbc=True, info={"energy": 0.0})], r"no forces label"),
        ([Atoms("Na", info={"config_type": "IsolatedAtom"})], r"no energy label 'energy'"),
    ],
)
def test_frames_that_are_no_lone_atoms(tmp_path: Path, frames: list[Atoms], message: str) -> None:
    ase.io.write(tmp_path / "a.xyz", frames, format="extxyz")
    with pytest.raises(DataError, match=rf"a\.xyz, frame 0 .*{message}"):
        read_data([tmp_path / "a.xyz"])


def test_lone_atoms_that_contradict_each_other(tmp_path: Path) -> None:
    ase.io.write(tmp_path / "a.xyz", [lone("Na", -2.0), lone("Na", -2.1)], format="extxyz")
    with pytest.raises(
        DataError, match=r"frame 1 .*the isolated Na atom has -2\.1 eV, that of .*frame 0 .* -2 eV"
    ):
        isolated_energies(read_data([tmp_path / "a.xyz"]).isolated_atoms)
