# SPDX-License-Identifier: MIT
"""Mistakes that people make in data and configurations: each ends in one line with the file, the frame and the cure.

A mistake is a function that spoils right files or a right configuration; errors and warnings are those of ``pair-les train`` before
the first step.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pytest
import yaml
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from pair_les.data.graphs import build_graphs
from pair_les.errors import UserError
from pair_les.training.config_file import read_config
from pair_les.training.training_data import read_training_data

Values = dict[str, Any]
MISTAKES: list[Any] = []


@pytest.fixture(scope="module")
def right() -> list[Atoms]:
    """16 frames of 32 copper atoms, strained and displaced."""
    return copper(16, 0.03)


def copper(n_frames: int, strain: float) -> list[Atoms]:
    """Copper with energy, forces and stress of the EMT potential; cells from ``1 - strain`` to ``1 + strain``."""
    random = np.random.default_rng(0)
    frames = []
    for number in range(n_frames):
        atoms = bulk("Cu", cubic=True) * (2, 2, 2)
        scale_of_cell = 1.0 + strain * (2.0 * number / (n_frames - 1) - 1.0)
        atoms.set_cell(atoms.cell * scale_of_cell, scale_atoms=True)
        atoms.positions += random.normal(0.0, 0.05, atoms.positions.shape)
        atoms.calc = EMT()
        results = {
            "energy": atoms.get_potential_energy(),
            "forces": atoms.get_forces(),
            "stress": atoms.get_stress(),
        }
        atoms.calc = SinglePointCalculator(atoms, **results)
        frames.append(atoms)
    return frames


def copied(frames: list[Atoms]) -> list[Atoms]:
    found = []
    for atoms in frames:
        other = atoms.copy()
        other.calc = SinglePointCalculator(other, **{k: np.copy(v) for k, v in atoms.calc.results.items()})
        other.calc.results["energy"] = float(other.calc.results["energy"])
        found.append(other)
    return found


def values_for(folder: Path) -> Values:
    return {
        "data": {"train": [str(folder / "train.xyz")], "valid": 0.25},
        "model": {"cutoff": 4.0},
        "output": str(folder / "run"),
    }


def complain(folder: Path, values: Values) -> str:
    """The error, or all warnings, of a configuration."""
    (folder / "config.yaml").write_text(yaml.safe_dump(values))
    try:
        data = read_training_data(read_config(folder / "config.yaml"))
        build_graphs([*data.train, *data.valid], data.species, values["model"]["cutoff"])
    except UserError as error:
        assert "\n" not in str(error)
        return str(error)
    return "\n".join(note for note in data.notes if note.startswith("warning: ") or "looks like" in note)


def mistake(message: str) -> Callable:
    """Register a function that spoils frames, the text of their file, or the configuration, by the name of its argument."""

    def register(spoil: Callable) -> Callable:
        MISTAKES.append(pytest.param(spoil, message, id=spoil.__name__))
        return spoil

    return register


@pytest.mark.parametrize(("spoil", "message"), MISTAKES)
def test_mistakes_are_one_line(tmp_path: Path, right: list[Atoms], spoil: Callable, message: str) -> None:
    frames, values, file = copied(right), values_for(tmp_path), tmp_path / "train.xyz"
    arguments = spoil.__code__.co_varnames[: spoil.__code__.co_argcount]
    if "frames" in arguments and "values" in arguments:
        frames = spoil(frames=frames, values=values) or frames
    elif "frames" in arguments:
        frames = spoil(frames=frames) or frames
    ase.io.write(file, frames, format="extxyz")
    if "text" in arguments:
        file.write_text(spoil(text=file.read_text()))
    elif "frames" not in arguments:
        spoil(**{name: {"values": values, "folder": tmp_path}[name] for name in arguments})
    said = complain(tmp_path, values)
    assert re.search(message, said), said


def test_right_data_are_not_complained_about(tmp_path: Path, right: list[Atoms]) -> None:
    ase.io.write(tmp_path / "train.xyz", copied(right), format="extxyz")
    assert complain(tmp_path, values_for(tmp_path)) == ""
    assert len(MISTAKES) >= 30


def scale(frames: list[Atoms], **factors: float) -> None:
    for atoms in frames:
        for name, factor in factors.items():
            atoms.calc.results[name] = factor * atoms.calc.results[name]


FRAME = r"train\.xyz, frame {} \(counted from 0\): "


# ------------------------------------------------------------------------------------------- names of labels


@mistake(FRAME.format(0) + r"no energy label 'energy'.*as energy=REF_energy")
def energy_under_another_name(frames):
    for atoms in frames:
        atoms.info["REF_energy"] = atoms.calc.results.pop("energy")


@mistake(FRAME.format(0) + r"no forces label 'forces'.*as forces=REF_forces")
def forces_under_another_name(frames):
    for atoms in frames:
        atoms.arrays["REF_forces"] = atoms.calc.results.pop("forces")


@mistake(
    r"label 'REF_stress' of 16 frames looks like a stress and is not used: data\.keys\.stress: REF_stress"
)
def stress_under_another_name(frames):
    for atoms in frames:
        atoms.info["REF_stress"] = atoms.calc.results.pop("stress")


@mistake(
    FRAME.format(0) + r"no forces label 'forcs' \(the frame has: energy, forces, stress\).*as forces=forces"
)
def name_of_the_forces_misspelled(values):
    values["data"]["keys"] = {"forces": "forcs"}


@mistake(r"no frame has a stress label 'strss' .*correct data\.keys\.stress")
def name_of_the_stress_misspelled(values):
    values["data"]["keys"] = {"stress": "strss"}


@mistake(r"data\.keys\.stress = virial: a virial \(eV\) is no stress.*write data\.keys\.virial: virial")
def virial_named_as_stress(values):
    values["data"]["keys"] = {"stress": "virial"}


@mistake(r"'free_energy' differs from 'energy' by 20 meV/atom.*set data\.keys\.energy: free_energy")
def energy_without_smearing_beside_forces_with_it(frames):
    for atoms in frames:
        atoms.calc.results["free_energy"] = atoms.calc.results["energy"] - 0.02 * len(atoms)


# ------------------------------------------------------------------------------------------- units and signs


@mistake(r"train\.xyz: .*forces in hartree/bohr\? multiply the forces by 51\.42")
def forces_in_hartree_per_bohr(frames):
    frames[:] = copper(24, 0.0)  # strained cells hide it: their energies follow from the stress
    scale(frames, forces=1.0 / 51.4221)


@mistake(r"train\.xyz: .*gradients of the energy\? change the sign of the forces")
def gradients_for_forces(frames):
    scale(frames, forces=-1.0)


@mistake(r"train\.xyz: .*energies in hartree\? multiply the energies by 27\.2114")
def energies_in_hartree(frames):
    scale(frames, energy=1.0 / 27.211386)


@mistake(r"train\.xyz: .*energies in kcal/mol\? divide the energies by 23\.0605")
def energies_in_kcal_per_mol(frames):
    scale(frames, energy=23.0605)


@mistake(r"train\.xyz: .*energies per atom\? multiply the energies by the number of atoms")
def energies_per_atom(frames):
    scale(frames, energy=1.0 / 32.0)


@mistake(r"train\.xyz: .*stress in GPa\? divide the stress by 160\.21766")
def stress_in_gpa(frames):
    scale(frames, stress=160.21766)


@mistake(r"train\.xyz: .*stress in kbar\? divide the stress by 1602\.1766, and change the sign")
def stress_in_kbar_of_vasp(frames):
    scale(frames, stress=-1602.1766)


@mistake(r"train\.xyz: .*positive under compression\? change the sign of the stress")
def stress_positive_under_compression(frames):
    scale(frames, stress=-1.0)


@mistake(FRAME.format(0) + r"stress label 'stress' .*contradicts virial label 'virial'.*correct one")
def virial_of_the_wrong_sign(frames):
    for atoms in frames:
        atoms.info["virial"] = atoms.get_volume() * atoms.get_stress(voigt=False)


# -------------------------------------------------------------------------------------------- single labels


@mistake(FRAME.format(3) + r"energy label 'energy' is nan, must be finite: remove or relabel the frame")
def energy_that_is_no_number(frames):
    frames[3].calc.results["energy"] = float("nan")


@mistake(FRAME.format(4) + r"forces label 'forces' of atom 7 is inf, must be finite")
def infinite_force(frames):
    frames[4].calc.results["forces"][7, 1] = np.inf


@mistake(FRAME.format(5) + r"no forces label 'forces'.*missing_labels: allow")
def one_frame_without_forces(frames):
    del frames[5].calc.results["forces"]


@mistake(FRAME.format(6) + r"the force on atom 2 \(Cu\) is 1e\+04 eV/A.*remove or recompute the frame")
def calculation_that_did_not_converge(frames):
    frames[6].calc.results["forces"][2] = [1e4, 0.0, 0.0]


@mistake(
    FRAME.format(7)
    + r"the energy is -(99|100)\.?\d* eV/atom from what the other frames have.*remove or recompute"
)
def energy_far_from_all_others(frames):
    frames[7].calc.results["energy"] -= 3200.0


@mistake(FRAME.format(2) + r"weight 'config_weight' is -1\.0, must be one number of at least 0")
def negative_weight(frames):
    frames[2].info["config_weight"] = -1.0


@mistake(
    r"'total_charge' of the frames is 0, \+1 e, and the model does not know it: set model\.long_range\.neutralize"
)
def charged_frames_for_a_model_that_does_not_know(frames):
    frames[1].info["total_charge"] = 1.0


# ------------------------------------------------------------------------------------------ cells and atoms


@mistake(FRAME.format(r"\d+") + r'the frame has a cell but pbc="F F F".*write pbc="T T T"')
def crystal_without_pbc(frames):
    for atoms in frames:
        atoms.pbc = False
        del atoms.calc.results["stress"]


@mistake(FRAME.format(0) + r"key 'lattice' is not read.*write Lattice=")
def lattice_in_lower_case(text):
    return text.replace("Lattice=", "lattice=")


@mistake(FRAME.format(0) + r'pbc is "T T T" and there is no cell: give Lattice=')
def pbc_without_a_cell(text):
    return re.sub(r'Lattice="[^"]*" ', "", text)


@mistake(
    FRAME.format(3) + r"the cell is too small: 0 A between opposite faces, must be at least 1 A: set the cell"
)
def cell_without_volume(frames):
    del frames[3].calc.results["stress"]
    frames[3].set_cell([[7, 0, 0], [7, 0, 0], [0, 0, 7]])


@mistake(FRAME.format(0) + r"'Cx' is no chemical element: correct the symbol")
def element_that_does_not_exist(text):
    return re.sub(r"^Cu ", "Cx ", text, count=1, flags=re.MULTILINE)


@mistake(FRAME.format(8) + r"atoms 3 and 4 coincide: 0\.01 A apart.*remove one of them, or the frame")
def atom_written_twice(frames, values):
    values["data"]["label_checks"] = "warn"
    frames[8].positions[4] = frames[8].positions[3] + [0.01, 0.0, 0.0]


# ----------------------------------------------------------------------------------------------------- files


@mistake(r"train\.xyz: the file has no frames, it is empty: give a file with at least one")
def empty_file(text):
    return ""


@mistake(FRAME.format(15) + r".*the frame has \d+ of 32 atoms, then the file ends: remove the frame")
def last_frame_cut(text):
    return text[: -len(text) // 32]


@mistake(FRAME.format(1) + r".*line 35: an empty line between frames, which ends the file for ASE: remove it")
def empty_line_between_frames(text):
    return text.replace("\n32\n", "\n\n32\n", 1)


@mistake(FRAME.format(0) + r".*the line of atom 0 has 7 columns, Properties names 4: name all columns")
def columns_without_a_name(text):
    return text.replace(":forces:R:3", "")


@mistake(
    FRAME.format(1)
    + r".*'Cu .*' is not the number of atoms of a frame: correct the number of the frame before"
)
def wrong_number_of_atoms(text):
    return text.replace("32\n", "31\n", 1)


@mistake(FRAME.format(0) + r".*(must be numbers|could not convert string to float: .* eV)")
def energy_with_its_unit(text):
    return re.sub(r"energy=(\S+)", r'energy="\1 eV"', text)


@mistake(
    FRAME.format(r"\d+") + r"the same atoms as .*energies that differ by 1 eV/atom: remove the wrong one"
)
def one_frame_with_two_energies(frames, values):
    values["data"]["valid"] = 0.01
    frames.append(copied(frames[:1])[0])
    frames[-1].calc.results["energy"] += 32.0


def second_file(folder: Path, values: Values, energy: float = 0.0, factor: float = 1.0) -> None:
    """Lower all energies by 3 eV/atom, and write another file with energies that are shifted, eV/atom, and multiplied."""
    frames = ase.io.read(folder / "train.xyz", ":")
    for atoms in frames:
        atoms.calc.results["energy"] -= 3.0 * len(atoms)
    ase.io.write(folder / "train.xyz", frames, format="extxyz")
    others = copied(frames)
    for atoms in others:
        results = atoms.calc.results
        results["energy"] = factor * (results["energy"] + energy * len(atoms))
        results["forces"] = factor * results["forces"]
        results.pop("stress")
        atoms.positions += 0.01
        atoms.calc = SinglePointCalculator(atoms, **results)
    ase.io.write(folder / "other.xyz", others, format="extxyz")
    values["data"]["train"].append(str(folder / "other.xyz"))


@mistake(r"(other|train)\.xyz: energies are \S+ eV/atom, those of \S+ \S+ eV/atom for .*: another method")
def total_energies_beside_energies_of_atomization(folder, values):
    second_file(folder, values, energy=-1600.0)


@mistake(r"(other|train)\.xyz: energies are .* composition: energies of one file in hartree\? convert them")
def second_file_in_hartree(folder, values):
    second_file(folder, values, factor=1.0 / 27.211386)


# --------------------------------------------------------------------------------------------- configuration


@mistake(r"none\.xyz: data file does not exist: check the path")
def missing_file(values):
    values["data"]["train"] = "none.xyz"


@mistake(
    r"config\.yaml: data\.train = 'near\.xyz' is not in the current folder but beside the configuration.*run in"
)
def path_relative_to_the_configuration(folder, values):
    (folder / "train.xyz").rename(folder / "near.xyz")
    values["data"]["train"] = "near.xyz@:8"


@mistake(r"config\.yaml: unknown key 'training\.epoch': did you mean 'training\.epochs'")
def misspelled_key(values):
    values["training"] = {"epoch": 3}


@mistake(r"the slice @20: chooses none of the 16 frames: correct it")
def slice_beyond_the_end(values):
    values["data"]["train"][0] += "@20:"


@mistake(r"16 of 16 validation frames are training frames \(.*give others in data\.valid")
def validation_by_the_training_frames(values):
    values["data"]["valid"] = values["data"]["train"]


@mistake(r"config_type_weights names 'surfaces', which no frame of .* has \(there are: surface\)")
def weight_of_a_kind_that_no_frame_has(frames, values):
    frames[0].info["config_type"] = "surface"
    values["data"]["config_type_weights"] = {"surfaces": 2.0}


@mistake(r"data\.reference_energies has no value for Cu, which occurs in .*frame 0.*add 'Cu: <eV per atom>'")
def reference_energy_missing(values):
    values["data"]["reference_energies"] = {"Au": -3.0}


@mistake(r"model\.cutoff = 40: .*neighbors, must be at most 1000: set model\.cutoff")
def cutoff_in_bohr_or_worse(values):
    values["model"]["cutoff"] = 40.0


# ------------------------------------------------------------------------------------------- what is no mistake


def test_windows_line_ends_and_atoms_beyond_the_cell(tmp_path: Path, right: list[Atoms]) -> None:
    moved = copied(right)
    for atoms in moved:
        atoms.positions[::3] += 3 * atoms.cell[0] - 2 * atoms.cell[2]
    ase.io.write(tmp_path / "train.xyz", moved, format="extxyz")
    text = (tmp_path / "train.xyz").read_bytes().replace(b"\n", b"\r\n")
    (tmp_path / "train.xyz").write_bytes(text)
    assert complain(tmp_path, values_for(tmp_path)) == ""
