# SPDX-License-Identifier: MIT
"""The charge state of a model file: its choice at export, and the total charge of a system that follows from it.

A network that is conditioned on the charge state (`model.charge_state`) takes Q / N, the total charge of a frame over its number of atoms: an
intensive number, so that a system made of n copies of a frame has n times its energy. A model file is of one state.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from ..errors import DataError, RunError
from .metadata import ContractError, Metadata

TOLERANCE = 1e-6
"""e; total charges that are closer are the same."""

States = Sequence[tuple[float, int]]
"""Total charge, e, and number of atoms of the kinds of frames that a network was trained on."""


def choose_charge_state(states: States, charge: float | None, n_atoms: int | None, where: str) -> float:
    """Return the charge per atom, e, that ``pair-les export --charge Q [--atoms N]`` asks for.

    Parameters
    ----------
    states
        Of the training frames.
    charge
        Q, e; None: not given, which is an error.
    n_atoms
        N; None: that of the training frames of this Q, if they all have one.
    where
        The checkpoint, named in errors.

    Raises
    ------
    RunError
        If nothing or too little is given, or the state is beyond those of the training frames.
    """
    charges = sorted({q for q, _ in states})
    known = " ".join(f"{q:g}" for q in charges)
    if charge is None:
        raise RunError(
            f"{where}: the network is conditioned on the total charge, and a model file is of one charge state: "
            f"add --charge Q (the training frames have {known} e)"
        )
    if charge == 0.0:
        return 0.0
    if n_atoms is None:
        sizes = {n for q, n in states if abs(q - charge) < TOLERANCE}
        if len(sizes) != 1:
            found = f"frames of {len(sizes)} sizes" if sizes else "no frame"
            raise RunError(
                f"{where}: --charge {charge:g}: {found} of the training data have this total charge (they have {known} e), "
                "and the state is the charge per atom: add --atoms N, the number of atoms that carry it"
            )
        n_atoms = sizes.pop()
    if n_atoms < 1:
        raise RunError(f"--atoms {n_atoms}: must be the number of atoms that carry the charge, at least 1")
    state = charge / n_atoms
    low, high = min(q / n for q, n in states), max(q / n for q, n in states)
    if not low - TOLERANCE <= state <= high + TOLERANCE:
        raise RunError(
            f"{where}: --charge {charge:g} with {n_atoms} atoms is {state:.4g} e per atom, beyond the training frames "
            f"({low:.4g} to {high:.4g} e): train with frames of this state"
        )
    return state


def resolve_total_charge(
    metadata: Metadata, n_atoms: int, given: float | None, file: str | os.PathLike[str]
) -> float | None:
    """Return the sum that the charges are shifted to, e; None where `neutralize` decides.

    Parameters
    ----------
    metadata
        Of the model file.
    n_atoms
        Of the system.
    given
        By the user; None: what the file says.
    file
        Named in errors.

    Raises
    ------
    ContractError
        If the user says something else than the file.
    """
    state = metadata.charge_per_atom
    if state is None:
        return given
    total = state * n_atoms
    if given is not None and abs(given - total) > TOLERANCE * max(1.0, abs(total)):
        raise ContractError(
            f"{file}: total charge {given:g} e is not that of the model file, which was exported for {state:.6g} e per atom, "
            f"{total:g} e for {n_atoms} atoms: export one for this state with 'pair-les export --charge {given:g}'"
        )
    projected = metadata.long_range is not None and metadata.long_range.neutralize
    return total if projected or given is not None else None


def require_charge_state(metadata: Metadata, n_atoms: int, label: float, where: str, file: str) -> None:
    """Raise `DataError` where a frame with total charge `label`, e, is not of the state of the model file."""
    try:
        resolve_total_charge(metadata, n_atoms, label, file)
    except ContractError as error:
        raise DataError(f"{where}: {error}") from error
