# SPDX-License-Identifier: MIT
"""Labels of the wrong unit or sign and single wrong ones are found; data that are right raise no alarm."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from pair_les.data import Frame, LabelKeys, read_frames
from pair_les.data.label_checks import check_labels
from pair_les.data.label_units import explain_pair_slope
from pair_les.data.pair_consistency import fit_pair_slope
from pair_les.data.work_consistency import fit_work_factors
from pair_les.errors import ConfigError, DataError
from pair_les.training.config_file import parse_config
from pair_les.training.training_data import read_training_data
from shared_data import SHARED
from tiny_frames import tiny_config, write_tiny


@cache
def copper(kind: str) -> tuple[Frame, ...]:
    """24 frames by the EMT potential: ``scaled`` perfect cells, ``rattled`` ones, ``both``, ``cluster``, far apart (``hot``)."""
    random = np.random.default_rng(0)
    frames = []
    for number in range(24):
        atoms = bulk("Cu", cubic=True) * ((1, 1, 1) if kind == "scaled" else (2, 2, 2))
        atoms.pbc = kind != "cluster"
        if kind in ("scaled", "both"):
            atoms.set_cell(atoms.cell * (0.95 + 0.1 * number / 23), scale_atoms=True)
        if kind != "scaled":
            atoms.positions += random.normal(0.0, 0.25 if kind == "hot" else 0.05, atoms.positions.shape)
        atoms.calc = EMT()
        periodic = bool(atoms.pbc.all())
        frames.append(
            Frame(
                symbols=tuple(atoms.get_chemical_symbols()),
                positions=atoms.positions,
                cell=atoms.cell.array if periodic else np.zeros((3, 3)),
                periodic=periodic,
                energy=atoms.get_potential_energy(),
                forces=atoms.get_forces(),
                stress=atoms.get_stress(voigt=False) if periodic else None,
                file="cu.xyz",
                index=number,
            )
        )
    return tuple(frames)


def scaled(
    frames: tuple[Frame, ...], energy: float = 1.0, forces: float = 1.0, stress: float = 1.0
) -> list[Frame]:
    return [
        replace(
            frame,
            energy=energy * frame.energy,
            forces=forces * frame.forces,
            stress=None if frame.stress is None else stress * frame.stress,
        )
        for frame in frames
    ]


@pytest.mark.parametrize("kind", ["scaled", "rattled", "both", "cluster", "hot"])
def test_right_labels_raise_no_alarm(kind: str) -> None:
    assert check_labels(copper(kind)) == []
    factors = fit_work_factors(copper(kind))
    assert (factors is None) == (kind == "hot")
    if kind in ("rattled", "cluster"):
        assert factors.forces.value == pytest.approx(1.0, abs=0.1) and factors.stress is None
    if kind == "scaled":
        assert factors.stress.value == pytest.approx(1.0, abs=1e-3) and factors.forces is None


@pytest.mark.parametrize(
    ("kind", "wrong", "message"),
    [
        (
            "scaled",
            {"stress": -1602.1766},
            r"stress in kbar\? divide the stress by 1602\.1766, and change the sign",
        ),
        (
            "both",
            {"stress": -1602.1766},
            r"stress in kbar\? divide the stress by 1602\.1766, and change the sign",
        ),
        ("both", {"stress": 160.21766}, r"stress in GPa\? divide the stress by 160\.21766$"),
        ("scaled", {"stress": -1.0}, r"positive under compression\? change the sign of the stress"),
        ("both", {"stress": -1.0}, r"positive under compression\? change the sign of the stress"),
        (
            "hot",
            {"stress": -1602.1766},
            r"frame \d+ .*GPa\), times the volume \d+ eV/atom.*divide kbar with the sign",
        ),
        (
            "rattled",
            {"forces": 1 / 51.4221},
            r"51\.\d* |4[5-9]\.\d* .*forces in hartree/bohr\? multiply the forces by 51",
        ),
        ("cluster", {"forces": -1.0}, r"gradients of the energy\? change the sign of the forces"),
        ("both", {"forces": -1.0}, r"gradients of the energy\? change the sign of the forces"),
        ("rattled", {"energy": 23.0605}, r"energies in kcal/mol\? divide the energies by 23\.0605"),
        ("cluster", {"energy": 1 / 27.2114}, r"energies in hartree\? multiply the energies by 27\.2114"),
        ("rattled", {"energy": 1 / 32}, r"energies per atom\? multiply the energies by the number of atoms"),
    ],
)
def test_units_and_signs(kind: str, wrong: dict[str, float], message: str) -> None:
    findings = check_labels(scaled(copper(kind), **wrong))
    assert findings[0].refused and "\n" not in findings[0].text
    assert re.search(message, findings[0].text), findings[0].text


@cache
def strained_aluminum() -> tuple[Frame, ...]:
    """24 frames by EMT, each with a strain and displacements of its own, without stress: no two are close."""
    random = np.random.default_rng(2)
    frames = []
    for number in range(24):
        atoms = bulk("Al", cubic=True) * (2, 2, 2)
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + random.uniform(-0.05, 0.05, (3, 3))), scale_atoms=True)
        atoms.positions += random.normal(0.0, 0.1, atoms.positions.shape)
        atoms.calc = EMT()
        frames.append(
            Frame(
                symbols=tuple(atoms.get_chemical_symbols()),
                positions=atoms.positions,
                cell=atoms.cell.array,
                periodic=True,
                energy=atoms.get_potential_energy(),
                forces=atoms.get_forces(),
                stress=None,
                file="al.xyz",
                index=number,
            )
        )
    return tuple(frames)


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        ({}, None),
        ({"forces": 1 / 51.4221}, "forces in hartree/bohr"),
        ({"forces": 1 / 25.711}, "forces in rydberg/bohr"),
        ({"forces": 23.0605}, "forces in kcal/mol/A"),
        ({"energy": 96.4853}, "energies in kJ/mol"),
        ({"energy": 1 / 27.2114}, "energies in hartree"),
        ({"forces": 1000.0}, "forces in meV/A"),
        ({"forces": -1.0}, "change the sign of the forces"),
    ],
)
def test_units_of_forces_where_no_frames_are_close(wrong: dict[str, float], cause: str | None) -> None:
    """By pair potentials: causes whose factors are not far are listed, the nearest first."""
    for frames in (strained_aluminum(), copper("hot")):
        assert fit_work_factors([replace(frame, stress=None) for frame in frames]) is None
        findings = check_labels([replace(frame, stress=None) for frame in scaled(frames, **wrong)])
        if cause is None:
            assert findings == []
            continue
        assert findings[0].refused and "pair potentials that fit the forces" in findings[0].text
        assert cause in findings[0].text and "\n" not in findings[0].text


def test_the_slope_of_pair_potentials() -> None:
    """Of this order for a many-body potential; none for scaled cells, whose energies are the work of the stress, and few frames."""
    assert fit_pair_slope(strained_aluminum()).value == pytest.approx(1.0, abs=0.2)
    assert fit_pair_slope(strained_aluminum()[:10]) is None
    assert fit_pair_slope(copper("scaled")) is None
    frames = [replace(frame, forces=0.0 * frame.forces) for frame in strained_aluminum()]
    assert fit_pair_slope(frames) is None
    assert explain_pair_slope(0.31) is None and explain_pair_slope(7.0) is None
    assert not explain_pair_slope(9.0).known and explain_pair_slope(-30.0).known


def changed(index: int, **labels: object) -> list[Frame]:
    frames = list(copper("rattled"))
    frames[index] = replace(frames[index], **labels)
    return frames


def test_one_force_that_is_far_out() -> None:
    forces = copper("rattled")[7].forces.copy()
    forces[3] = [1e4, 0.0, 0.0]
    (finding,) = check_labels(changed(7, forces=forces))
    assert finding.refused
    assert finding.text.startswith(
        "cu.xyz, frame 7 (counted from 0): the force on atom 3 (Cu) is 1e+04 eV/A, typical"
    )
    forces[3] = [40.0, 0.0, 0.0]
    (finding,) = check_labels(changed(7, forces=forces))
    assert not finding.refused


def test_a_large_force_between_atoms_that_are_close_is_physical() -> None:
    frame = copper("rattled")[7]
    positions, forces = frame.positions.copy(), frame.forces.copy()
    positions[3] = positions[0] + [0.8, 0.0, 0.0]
    forces[[0, 3], 0] = [-400.0, 400.0]
    (finding,) = check_labels(changed(7, forces=forces, positions=positions))
    assert not finding.refused and "(Cu) is 400 eV/A" in finding.text


def test_one_energy_that_is_far_out() -> None:
    (finding,) = check_labels(changed(5, energy=copper("rattled")[5].energy - 32 * 1000.0))
    assert (
        finding.refused and "frame 5 (counted from 0): the energy is -1000 eV/atom from what" in finding.text
    )


SETS = {
    "benchmark_4g/AlAuMgO_4G.extxyz": ("REF_energy", "REF_forces"),
    "benchmark_4g/Carbon_chain_4G.extxyz": ("REF_energy", "REF_forces"),
    "benchmark_4g/H2O_RPBE-D3_4G.extxyz": ("REF_energy", "REF_forces"),
    "dimers/charged-charged.extxyz": ("energy", "forces"),
    "dimers/polar-apolar.extxyz": ("energy", "forces"),
    "dipeptides/valid.extxyz": ("energy", "force"),
    "interfaces/licl_gaf3_ood_lr_368.xyz": ("energy", "F_DFT"),
    "nacl_primitive/frames.extxyz": ("energy", "forces"),
    "superionic_water/bec_4gcc_1000K.extxyz": ("energy", "forces"),
    "water/frames.extxyz": ("energy", "forces"),
}


@pytest.mark.skipif(
    not (SHARED / "data").is_dir(), reason="no reference data: ../shared/data or PAIR_LES_SHARED"
)
@pytest.mark.parametrize("file", SETS)
def test_published_data_raise_no_alarm(file: str) -> None:
    assert check_labels(read_frames([SHARED / "data" / file], LabelKeys(*SETS[file]))) == []


# ------------------------------------------------------------------------------------------- configuration


def write_spoiled(folder: Path) -> dict:
    """Frames with one force of 1e4 eV/A, and a configuration for them."""
    write_tiny(folder / "train.xyz", 8)
    frames = ase.io.read(folder / "train.xyz", ":")
    frames[4].calc.results["forces"][2] = [0.0, 1e4, 0.0]
    ase.io.write(folder / "train.xyz", frames, format="extxyz")
    return tiny_config(folder)


def test_label_checks_refuse_or_warn(tmp_path: Path) -> None:
    values = write_spoiled(tmp_path)
    with pytest.raises(DataError, match=r"frame 4 .*1e\+04 eV/A.*or set data\.label_checks: warn if"):
        read_training_data(parse_config(values, "c.yaml"))
    values["data"]["label_checks"] = "warn"
    notes = read_training_data(parse_config(values, "c.yaml")).notes
    assert sum(note.startswith("warning: ") and "1e+04" in note for note in notes) == 1
    values["data"]["label_checks"] = "off"
    with pytest.raises(ConfigError, match=r"data\.label_checks = 'off'"):
        parse_config(values, "c.yaml")


def test_a_cutoff_of_too_many_neighbors_is_refused(tmp_path: Path) -> None:
    write_tiny(tmp_path / "train.xyz", 8)
    values = tiny_config(tmp_path)
    values["model"]["cutoff"] = 45.0
    with pytest.raises(
        DataError, match=r"model\.cutoff = 45: .*about \d+ neighbors, must be at most 1000: set"
    ) as raised:
        read_training_data(parse_config(values, "c.yaml"))
    assert "\n" not in str(raised.value) and "data.max_neighbors" in str(raised.value)
    values["data"]["max_neighbors"] = 20_000
    read_training_data(parse_config(values, "c.yaml"))
