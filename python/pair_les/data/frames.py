# SPDX-License-Identifier: MIT
"""Labeled frames from files that ASE reads, extxyz above all; each is checked before it is used."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ..errors import DataError
from .files.deepmd import is_deepmd_folder
from .files.names import frame_name
from .files.sources import FrameList, Source, find_files
from .geometry import read_cell
from .isolated_atoms import CONFIG_TYPE, IsolatedAtom, is_isolated_atom
from .label_survey import LabelSurvey
from .labels import find_label, label_names, looks_like, similar_labels
from .stress_labels import read_stress

_ALLOW_MISSING = (
    ", or set data.missing_labels: allow (--missing-labels allow) for frames with one of energy and forces"
)


@dataclass(frozen=True)
class LabelKeys:
    """Names under which a file stores its labels: per-frame info, per-atom arrays, or ASE's calculator.

    ``stress``, ``virial`` and ``total_charge`` (e) are optional in the data. A virial (eV),
    ``-V`` times the stress, is used where a frame has no stress. None: such labels are not read.

    Raises
    ------
    DataError
        If a virial is named as the stress.
    """

    energy: str = "energy"
    forces: str = "forces"
    stress: str | None = "stress"
    virial: str | None = "virial"
    total_charge: str = "total_charge"

    def __post_init__(self) -> None:
        if self.stress is not None and looks_like("virial", self.stress):
            raise DataError(
                f"data.keys.stress = {self.stress}: a virial (eV) is no stress (eV/A^3) and has the other sign: write "
                f"data.keys.virial: {self.stress} (or --keys virial={self.stress})"
            )


@dataclass(frozen=True)
class Frame:
    """One labeled configuration, in eV and angstrom.

    Parameters
    ----------
    symbols
        Chemical symbols of the n atoms.
    positions
        [n, 3].
    cell
        [3, 3], rows are lattice vectors, right-handed; zeros for an isolated frame.
    periodic
        Periodic, or isolated; a slab is periodic, with explicit vacuum along its third lattice vector.
    energy
        eV, as the file has it; NaN without a label.
    forces
        [n, 3]; NaN without a label.
    stress
        [3, 3], eV/angstrom^3, positive under tension as in ASE; None where the frame has no such label.
    file, index
        Where the frame was read, counted from 0.
    slab
        Whether it repeats along its first two lattice vectors only (see `pair_les.long_range.slab`).
    atoms
        The frame as it was read, with all its labels; None for frames that are not from a file.
    weight
        Factor on its squared errors in the loss (`pair_les.data.weights`).
    """

    symbols: tuple[str, ...]
    positions: NDArray[np.float64]
    cell: NDArray[np.float64]
    periodic: bool
    energy: float
    forces: NDArray[np.float64]
    stress: NDArray[np.float64] | None
    file: str
    index: int
    slab: bool = False
    atoms: Atoms | None = field(default=None, compare=False, repr=False)
    weight: float = 1.0

    @property
    def has_energy(self) -> bool:
        """Whether the frame has a label of its energy."""
        return bool(np.isfinite(self.energy))

    @property
    def has_forces(self) -> bool:
        """Whether the frame has labels of its forces."""
        return bool(np.isfinite(self.forces).all())

    @property
    def config_type(self) -> str:
        """The kind of configuration that the file says; empty where it says none."""
        return "" if self.atoms is None else str(self.atoms.info.get(CONFIG_TYPE, ""))

    @property
    def where(self) -> str:
        """Name of this frame in errors."""
        return frame_name(self.file, self.index)

    def __len__(self) -> int:
        return len(self.symbols)


@dataclass(frozen=True)
class DataSet:
    """Content of the files of a data set.

    Parameters
    ----------
    files
        Paths, in order.
    frames
        Frames with energies and forces, in the order of the files.
    isolated_atoms
        Isolated atoms, which are no frames to learn from: their energies are reference energies.
    survey
        Labels by name, for notes to the user.
    """

    files: list[str]
    frames: list[Frame]
    isolated_atoms: list[IsolatedAtom]
    survey: LabelSurvey


def read_data(
    sources: Iterable[str | os.PathLike[str] | Source],
    keys: LabelKeys | None = None,
    *,
    allow_missing: bool = False,
    refuse: Callable[[DataError], None] | None = None,
) -> DataSet:
    """Read the chosen frames of every source, in order; isolated atoms are kept apart.

    Parameters
    ----------
    sources
        Files in any format of ASE (``.xyz`` is read as extxyz), patterns, databases of ASE, folders of DeePMD-kit; or frames in
        memory.
    keys
        Names of the labels.
    allow_missing
        Whether a frame may have an energy without forces, or forces without an energy.
    refuse
        Takes each error, and the next frame or file is read; None: the first error is raised.

    Raises
    ------
    DataError
        With file and frame number: a missing or unreadable file, no frames, missing, misshapen, contradictory or
        non-finite labels, an unknown element, a cell or periodicity that cannot be used or is under a name that is not
        read.
    """
    keys = keys or LabelKeys()
    refuse = refuse or _raise
    data = DataSet([], [], [], LabelSurvey(asdict(keys)))
    for source in map(Source.of, sources):
        try:
            files = find_files(source)
        except DataError as error:
            refuse(error)
            continue
        for file in files:
            if file.path not in data.files:
                data.files.append(file.path)
            own_keys = _keys_of_source(keys, source, file.path)
            index = None
            try:
                for index, atoms in file.read():
                    try:
                        _add_frame(data, atoms, own_keys, file.path, index, source.weight, allow_missing)
                    except DataError as error:
                        refuse(error)
                if index is None:
                    raise DataError(f"{file.path}: the file has no frames: give a file with at least one")
            except DataError as error:
                refuse(error)
    return data


def _raise(error: DataError) -> None:
    raise error


def _keys_of_source(keys: LabelKeys, source: Source, file: str) -> LabelKeys:
    """The names of labels of one source; a folder of DeePMD-kit has names of its own."""
    if not isinstance(source, FrameList) and is_deepmd_folder(Path(file)):
        return replace(
            LabelKeys(total_charge=keys.total_charge),
            stress=None,
            virial=None if keys.virial is None else LabelKeys.virial,
        )
    names: dict[str, Any] = {**source.keys}
    return replace(keys, **names)


def _add_frame(
    data: DataSet, atoms: Atoms, keys: LabelKeys, file: str, index: int, weight: float, allow_missing: bool
) -> None:
    where = frame_name(file, index)
    if len(atoms) == 0:
        raise DataError(f"{where}: the frame has no atoms: remove it")
    if is_isolated_atom(atoms, keys.forces, keys.total_charge, where):
        energy = _energy(atoms, keys.energy, where)
        data.isolated_atoms.append(IsolatedAtom(_symbols(atoms, where)[0], energy, where))
        return
    data.frames.append(_frame(atoms, keys, file, index, weight, allow_missing))
    data.survey.add(atoms, asdict(keys))


def read_frames(
    sources: Iterable[str | os.PathLike[str] | Source], keys: LabelKeys | None = None
) -> list[Frame]:
    """The frames of `read_data`, without isolated atoms."""
    return read_data(sources, keys).frames


def _frame(atoms: Atoms, keys: LabelKeys, file: str, index: int, weight: float, allow_missing: bool) -> Frame:
    where = frame_name(file, index)
    symbols = _symbols(atoms, where)
    positions = np.array(atoms.positions, dtype=np.float64)
    _require_finite(positions, "positions", where)
    cell = read_cell(atoms, where)
    has_energy, has_forces = (find_label(atoms, key) is not None for key in (keys.energy, keys.forces))
    energy, forces = float("nan"), np.full((len(atoms), 3), np.nan)
    if has_energy or not (allow_missing and has_forces):
        energy = _energy(atoms, keys.energy, where, _ALLOW_MISSING if has_forces else "")
    if has_forces or not allow_missing:
        forces = _label(atoms, "forces", keys.forces, where, _ALLOW_MISSING if has_energy else "")
    if forces.shape != (len(atoms), 3):
        raise DataError(
            f"{where}: forces label '{keys.forces}' has shape {list(forces.shape)}, "
            f"must be [{len(atoms)}, 3] (eV/A)"
        )
    stress = read_stress(atoms, keys.stress, keys.virial, cell, where)
    return Frame(
        symbols,
        positions,
        cell.vectors,
        cell.periodic,
        energy,
        forces,
        stress,
        file,
        index,
        cell.slab,
        atoms,
        weight,
    )


def _symbols(atoms: Atoms, where: str) -> tuple[str, ...]:
    symbols = tuple(atoms.get_chemical_symbols())
    if "X" in symbols:
        raise DataError(f"{where}: atom {symbols.index('X')} has element 'X', which is no chemical element")
    return symbols


def _energy(atoms: Atoms, key: str, where: str, cure: str = "") -> float:
    energy = _label(atoms, "energy", key, where, cure)
    if energy.size != 1:
        raise DataError(
            f"{where}: energy label '{key}' has shape {list(energy.shape)}, must be one number (eV)"
        )
    return float(energy.reshape(-1)[0])


def _label(atoms: Atoms, what: str, key: str, where: str, cure: str = "") -> NDArray[np.float64]:
    value = find_label(atoms, key)
    if value is None:
        found = ", ".join(label_names(atoms)) or "nothing"
        similar = next(iter(similar_labels(atoms, what)), None)
        raise DataError(
            f"{where}: no {what} label '{key}' (the frame has: {found}): "
            f"name it with data.keys.{what} or --keys {what}=NAME"
            + (f", as {what}={similar}" if similar else cure)
        )
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: {what} label '{key}' is {value!r}, must be numbers") from error
    _require_finite(array, f"{what} label '{key}'", where)
    return array


def _require_finite(array: NDArray[np.float64], what: str, where: str) -> None:
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        first = tuple(int(i) for i in bad[0])
        place = f" of atom {first[0]}" if array.ndim == 2 else ""
        raise DataError(
            f"{where}: {what}{place} is {array[first]}, must be finite: remove or relabel the frame"
        )


def count_labels(frames: Sequence[Frame]) -> dict[str, int]:
    """Count the frames that carry each kind of label, and the periodic ones."""
    return {
        "frames": len(frames),
        "atoms": sum(len(frame) for frame in frames),
        "periodic": sum(frame.periodic for frame in frames),
        "slabs": sum(frame.slab for frame in frames),
        "energy": sum(frame.has_energy for frame in frames),
        "forces": sum(frame.has_forces for frame in frames),
        "stress": sum(frame.stress is not None for frame in frames),
    }


def require_no_slabs(frames: Sequence[Frame]) -> None:
    """Refuse frames that charge equilibration cannot compute.

    Raises
    ------
    DataError
        If there is a slab.
    """
    slab = next((frame for frame in frames if frame.slab), None)
    if slab is not None:
        raise DataError(
            f"{slab.where}: a slab (periodic in two directions) has no charge equilibration in Python: write "
            'pbc="T T T" with the vacuum in Lattice, or train with model.long_range.charge_model: latent'
        )
