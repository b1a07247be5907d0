# SPDX-License-Identifier: MIT
"""``pair-les lammps``: a data file and an input for LAMMPS from a structure and a model file."""

from __future__ import annotations

import io
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import write

from ..data.files.names import frame_name
from ..data.files.reading import read_atoms
from ..data.geometry import Cell, read_cell
from ..errors import DataError, UserError
from ..evaluation import species_indices
from ..model_file.archive import read_metadata
from ..model_file.metadata import Metadata
from ..output_files import write_file

DATA_FILE = "structure.data"
INPUT_FILE = "in.lammps"

MARGIN = 10.0
"""angstrom of empty space between the atoms of a cluster or slab and each free face of the box."""

LARGEST_TILT = 1e-6
"""angstrom; a smaller tilt of a cell is rounding."""


@dataclass(frozen=True)
class LammpsFiles:
    """Files of a run.

    Parameters
    ----------
    data, script, model
        Data file, input and model file, in one folder.
    elements
        Element of LAMMPS type 1, 2, ...: those of the structure, in the order of the species of the model.
    """

    data: Path
    script: Path
    model: Path
    elements: tuple[str, ...]


def write_input(
    structure: str | os.PathLike[str],
    model: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    index: int = -1,
) -> LammpsFiles:
    """Write a LAMMPS data file, an input that runs as it is, and a copy of the model.

    A structure that repeats in three directions runs with ``boundary p p p``, a slab with ``p p f`` and ``kspace_modify slab``,
    a cluster with ``m m m`` and the direct sum.

    Parameters
    ----------
    structure
        File in any format of ASE.
    model
        Model file.
    folder
        Created if needed; files that are there are not overwritten.
    index
        Frame of the file, counted from 0; negative: from the end.

    Raises
    ------
    DataError
        If the structure cannot be read or run.
    ContractError
        If the model file cannot be used or does not know an element.
    UserError
        If the folder holds such files.
    """
    metadata = read_metadata(model)
    atoms, where = _read_frame(os.fspath(structure), index)
    present = set(species_indices(atoms.get_chemical_symbols(), metadata, model).tolist())
    elements = tuple(symbol for number, symbol in enumerate(metadata.species) if number in present)
    cell = read_cell(atoms, where)
    box = _box(atoms, cell)
    if cell.slab and metadata.long_range is not None:
        _require_orthogonal(box, where)

    folder = Path(folder)
    files = LammpsFiles(folder / DATA_FILE, folder / INPUT_FILE, folder / Path(model).name, elements)
    for file in (files.data, files.script):
        if file.exists():
            raise UserError(f"{file}: exists already: give another folder, or remove it")
    folder.mkdir(parents=True, exist_ok=True)
    if not (files.model.exists() and files.model.samefile(model)):
        shutil.copyfile(model, files.model)
    text = io.StringIO()
    write(
        text,
        box,
        format="lammps-data",
        specorder=list(elements),
        atom_style="charge",
        masses=True,
        reduce_cell=cell.periodic and not cell.slab,
    )
    write_file(files.data, text.getvalue())
    write_file(files.script, _script(where, files, metadata, cell, len(box)))
    return files


def _read_frame(file: str, index: int) -> tuple[Atoms, str]:
    frames = [atoms for _, atoms in read_atoms(file)]
    if not -len(frames) <= index < len(frames):
        raise DataError(
            f"{file}: --frame {index}: the file has {len(frames)} frames: give a number from 0 to {len(frames) - 1}, "
            "or -1 for the last"
        )
    index %= len(frames)
    where = frame_name(file, index)
    if len(frames[index]) == 0:
        raise DataError(f"{where}: the frame has no atoms: give another")
    if not np.isfinite(frames[index].positions).all():
        raise DataError(f"{where}: positions are not all finite: repair the frame")
    return frames[index], where


def _box(atoms: Atoms, cell: Cell) -> Atoms:
    """Atoms without labels in the box of the run, whose free directions are along its third axis or all axes."""
    box = Atoms(atoms.get_chemical_symbols(), atoms.positions)
    if not cell.periodic:
        low, high = box.positions.min(axis=0), box.positions.max(axis=0)
        box.cell = np.diag(high - low + 2.0 * MARGIN)
        box.positions += MARGIN - low
        return box
    box.cell = cell.vectors
    box.pbc = (True, True, not cell.slab)
    if cell.slab:
        length = float(np.linalg.norm(cell.vectors[2]))
        normal = cell.vectors[2] / length
        heights = box.positions @ normal
        # LAMMPS repeats the slab after three heights of the box, Python after one length of `cell_with_vacuum`
        height = max(float(np.ptp(heights)) + 2.0 * MARGIN, length / 3.0)
        box.cell[2] = height * normal
        box.positions += (0.5 * height - 0.5 * (heights.min() + heights.max())) * normal
    return box


def _require_orthogonal(box: Atoms, where: str) -> None:
    first, second = box.cell[0], box.cell[1]
    tilt = abs(float(first @ second)) / float(np.linalg.norm(first))
    if tilt > LARGEST_TILT:
        raise DataError(
            f"{where}: the slab is tilted by {tilt:.4g} A between its two lattice vectors, LAMMPS computes the long range of "
            "slabs in orthogonal boxes only: make an orthogonal supercell, or a periodic frame with empty space "
            '(pbc="T T T")'
        )


def _script(where: str, files: LammpsFiles, metadata: Metadata, cell: Cell, n_atoms: int) -> str:
    """Text of the input: relaxed as it is, then at constant temperature."""
    symbols = " ".join(files.elements)
    if not cell.periodic:
        boundary = "m m m"
    elif cell.slab:
        boundary = "p p f"
    else:
        boundary = "p p p"
    lines = [
        f"# {where}; written by pair-les lammps",
        f"#   mpirun -n 2 lmp -in {files.script.name}",
        "variable        steps index 1000",
        "variable        temperature index 300.0",
        "",
        "units           metal",
        "atom_style      charge",
        f"boundary        {boundary}",
        f"read_data       {files.data.name}",
        "",
        "pair_style      les",
        f"pair_coeff      * * {files.model.name} {symbols}",
    ]
    if metadata.long_range is not None and cell.periodic:
        lines.append("kspace_style    pppm 1.0e-4")
        if cell.slab:
            lines.append("kspace_modify   slab 3.0")
    lines += ["", "thermo_style    custom step temp pe etotal press", "thermo          100"]
    if n_atoms > 1:  # one atom has no temperature
        rotation = "" if cell.periodic else " rot yes"
        lines += [
            f"velocity        all create ${{temperature}} 4928459 mom yes{rotation} dist gaussian",
            "fix             1 all nvt temp ${temperature} ${temperature} 0.1",
        ]
    else:
        lines.append("fix             1 all nve")
    lines += [
        f"timestep        {0.0005 if 'H' in files.elements else 0.001}",
        "dump            1 all custom 100 run.dump id type element x y z q fx fy fz",
        f"dump_modify     1 element {symbols} sort id format float %.12g",
        "run             ${steps}",
        "",
    ]
    return "\n".join(lines)
