# SPDX-License-Identifier: MIT
"""``pair-les check``: what LAMMPS dumped, computed again with the converged direct sum."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, repeat

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, chemical_symbols
from ase.io import iread
from ase.io.formats import open_with_compression

from ..errors import DataError, UserError
from ..evaluation import Evaluation, evaluate, species_indices
from ..evaluation.electrode_configuration import evaluate_with_electrodes, species_beside_electrodes
from ..model_file.archive import load_model
from ..model_file.metadata import Metadata
from .dumped_electrodes import electrodes_in_frame, parse_electrode

# energy units per eV and Coulomb constant (energy angstrom / e^2) of LAMMPS unit styles (update.cpp)
LAMMPS_UNITS = {"metal": (1.0, 14.399645), "real": (23.060549, 332.06371)}

FORCE_TOLERANCE = 0.01
"""eV/A, root mean square. A mesh has about 1 meV/A (``pppm 1e-4``: 1.4 for unit charges), float32 less, and positions of six
digits, LAMMPS's default, add some meV/A in stiff bonds; another model of the same data is off by its own error, 15 meV/A
and more. The shipped water model with ``pppm 1e-4`` and six digits: 1.0 meV/A."""

CHARGE_TOLERANCE = 0.01
"""e, of any atom. Charges need no mesh: what is left is the rounding of the dump, below 1e-3 e."""


@dataclass(frozen=True)
class FrameCheck:
    """Deviations of LAMMPS from Python in one frame; None where the dump lacks the columns.

    Parameters
    ----------
    frame
        Position in the dump, from 0.
    n_atoms
        Number of atoms.
    energy
        eV, recomputed (a dump has none).
    charge, force_max, force_rms
        Largest deviation of a charge, e; largest and root-mean-square deviation of a force component, eV/A.
    """

    frame: int
    n_atoms: int
    energy: float
    charge: float | None
    force_max: float | None
    force_rms: float | None

    def agrees(
        self, force_tolerance: float = FORCE_TOLERANCE, charge_tolerance: float = CHARGE_TOLERANCE
    ) -> bool:
        """Whether both deviations that there are, eV/A (root mean square) and e, are within the tolerances; not where NaN."""
        pairs = ((self.force_rms, force_tolerance), (self.charge, charge_tolerance))
        return all(value <= tolerance for value, tolerance in pairs if value is not None)

    def __str__(self) -> str:
        parts = [f"frame {self.frame}: {self.n_atoms} atoms, energy {self.energy:.8f} eV"]
        if self.charge is not None:
            parts.append(f"largest charge deviation {self.charge:.2e} e")
        if self.force_max is not None:
            parts.append(f"force deviation {self.force_max:.2e} eV/A largest, {self.force_rms:.2e} rms")
        return ", ".join(parts)


def check(
    model: str | os.PathLike[str],
    dump: str | os.PathLike[str],
    *,
    elements: Sequence[str] | None = None,
    units: str = "metal",
    frames: int | None = None,
    total_charge: float | None = None,
    field: Sequence[float] | None = None,
    eps: float = 1.0,
    electrodes: Sequence[str] = (),
    neutral: bool = True,
) -> Iterator[FrameCheck]:
    """Compare each frame of a LAMMPS text dump with the model file it was run with.

    Parameters
    ----------
    model
        Model file.
    dump
        ``dump custom`` with columns id, x y z (or xs, xu, ...), element or type, and q and fx fy fz to compare.
    elements
        Chemical symbol of each LAMMPS type, as in ``pair_coeff``; not needed with a column ``element`` or ``mass``.
    units
        LAMMPS units of the run, ``metal`` or ``real``.
    frames
        Number of frames at most.
    total_charge
        e, that of ``pair_style les charge Q``; None: the run had no such keyword. Of equilibrated charges the sum is that of
        the dump.
    field, eps
        V/angstrom and electronic permittivity, those of ``pair_style les efield EX EY EZ eps EPS``.
    electrodes, neutral
        Those of ``pair_style les electrode ... neutral ...``, see `parse_electrode`.

    Raises
    ------
    DataError
        If the dump cannot be read, has nothing to compare or no elements, has wrapped positions along a field, or a frame
        cannot be computed (`evaluate`).
    ContractError
        If the model file cannot be used, does not know an element, or is of another total charge.
    ElectrodeError
        If the words of an electrode cannot be read.
    """
    if not eps >= 1.0:
        raise DataError(f"eps {eps}: must be >= 1, the electronic permittivity")
    parsed = [parse_electrode(text) for text in electrodes]
    if units not in LAMMPS_UNITS:
        raise DataError(f"units {units!r}: must be one of {', '.join(LAMMPS_UNITS)}")
    module, metadata = load_model(model)
    if elements is None:
        _require_elements(dump, metadata)
    columns = _columns(dump)
    has_types = "type" in columns and not {"element", "mass"} & columns
    by_type = _read(dump, chemical_symbols[1:], frames) if parsed and has_types else repeat(None)
    scale = float(np.sqrt(eps))
    number = -1
    for number, (atoms, typed) in enumerate(zip(_read(dump, elements, frames), by_type, strict=False)):
        where = f"{os.fspath(dump)}: frame {number}"
        latent_field = None
        if field is not None:
            _require_unwrapped(atoms, field, columns, where)
            latent_field = [scale * component for component in field]
        try:
            place = (atoms.positions, atoms.cell[:], atoms.pbc.tolist())
            symbols = atoms.get_chemical_symbols()
            charge = _total_charge(atoms, metadata, units, total_charge)
            if parsed:
                types = None if typed is None else typed.numbers
                of_frame = electrodes_in_frame(parsed, len(atoms), types, scale)
                species = species_beside_electrodes(symbols, of_frame, metadata, model)
                reference: Evaluation = evaluate_with_electrodes(
                    module,
                    metadata,
                    species,
                    *place,
                    of_frame,
                    neutral=neutral,
                    file=model,
                    total_charge=charge,
                    field=latent_field,
                )
            else:
                species = species_indices(symbols, metadata, model)
                reference = evaluate(
                    module, metadata, species, *place, file=model, total_charge=charge, field=latent_field
                )
        except UserError as error:
            raise DataError(f"{where}: {error}") from error
        yield _compare(number, atoms, reference, metadata, units, dump)
    if number < 0:
        raise DataError(
            f"{os.fspath(dump)}: holds no frame: give a file that 'dump ... custom' of LAMMPS wrote"
        )


def _read(
    dump: str | os.PathLike[str], elements: Sequence[str] | None, frames: int | None
) -> Iterator[Atoms]:
    """Frames of a dump; what ASE raises while it reads becomes a `DataError`."""
    specorder = None if elements is None else list(elements)
    for symbol in specorder or ():
        if symbol not in atomic_numbers:
            raise DataError(
                f"element '{symbol}': must be a chemical symbol, one for each LAMMPS type as in pair_coeff"
            )
    # positions and forces stay in the units of the dump: angstrom both in metal and in real
    stream = iread(os.fspath(dump), index=":", format="lammps-dump-text", specorder=specorder, units="metal")
    try:
        yield from islice(stream, frames)
    except (OSError, LookupError, ValueError, TypeError, RuntimeError) as error:
        advice = ""
        if specorder and isinstance(error, IndexError):
            advice = f": are there more than {len(specorder)} types? Name the element of each"
        raise DataError(
            f"{os.fspath(dump)}: cannot be read as a LAMMPS text dump ({error}){advice}"
        ) from error


def _columns(dump: str | os.PathLike[str]) -> set[str]:
    """Columns of a dump; empty if it cannot be read, of which the reader says what is wrong."""
    try:
        with open_with_compression(os.fspath(dump), "rt") as stream:
            header = next((line for line in stream if line.startswith("ITEM: ATOMS")), "")
    except (OSError, ValueError):
        return set()
    return set(header.split()[2:])


def _require_elements(dump: str | os.PathLike[str], metadata: Metadata) -> None:
    """Refuse a dump of bare type numbers, which ASE would read as atomic numbers (type 2 as helium)."""
    columns = _columns(dump)
    if columns and not {"element", "mass"} & columns:
        flags = " ".join(
            f"--element <element of type {number + 1}>" for number in range(min(len(metadata.species), 3))
        )
        raise DataError(
            f"{os.fspath(dump)}: has no column element: name the element of each LAMMPS type in the order of pair_coeff, "
            f"{flags} (the model knows {' '.join(metadata.species)})"
        )


def _require_unwrapped(atoms: Atoms, field: Sequence[float], columns: set[str], where: str) -> None:
    """Refuse wrapped positions along a field, which acts on unwrapped ones."""
    wrapped = bool({"x", "xs"} & columns)
    if wrapped and any(value != 0.0 and periodic for value, periodic in zip(field, atoms.pbc, strict=True)):
        raise DataError(
            f"{where}: a field along a periodic direction acts on unwrapped positions, and these are wrapped: type "
            "'dump 1 all custom 100 traj.dump id type xu yu zu q fx fy fz'"
        )


def _charge_unit(metadata: Metadata, units: str) -> float:
    """`q` of a dump per charge of the model: pair_style les makes LAMMPS's Coulomb constant act as the model's."""
    assert metadata.long_range is not None  # asked only of models with charges
    energy_per_ev, lammps_constant = LAMMPS_UNITS[units]
    return float(np.sqrt(metadata.long_range.coulomb_constant * energy_per_ev / lammps_constant))


def _total_charge(atoms: Atoms, metadata: Metadata, units: str, given: float | None) -> float | None:
    """Return the total charge of the run, e: equilibrated charges have the sum that ``pair_style les charge Q`` sets."""
    if given is not None:
        return given
    settings = metadata.long_range
    if settings is None or not settings.equilibrates or not atoms.has("initial_charges"):
        return None
    if metadata.charge_per_atom is not None:
        return None
    return float(atoms.get_initial_charges().sum()) / _charge_unit(metadata, units)


def _compare(
    number: int, atoms: Atoms, reference: Evaluation, metadata: Metadata, units: str, dump
) -> FrameCheck:
    energy_per_ev, _ = LAMMPS_UNITS[units]
    charge = force_max = force_rms = None
    if reference.charges is not None and atoms.has("initial_charges"):
        dumped = atoms.get_initial_charges() / _charge_unit(metadata, units)
        charge = float(np.abs(dumped - reference.charges).max())
    if atoms.calc is not None and "forces" in atoms.calc.results:
        deviation = atoms.calc.results["forces"] / energy_per_ev - reference.forces
        force_max, force_rms = float(np.abs(deviation).max()), float(np.sqrt((deviation**2).mean()))
    if charge is None and force_max is None:
        raise DataError(
            f"{os.fspath(dump)}: frame {number} has neither charges nor forces to compare; "
            "type 'dump 1 all custom 100 traj.dump id type x y z q fx fy fz'"
        )
    return FrameCheck(number, len(atoms), reference.energy, charge, force_max, force_rms)
