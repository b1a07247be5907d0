# SPDX-License-Identifier: MIT
"""``pair-les inspect``: the contract of a model file, readable."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..constants import COULOMB_CONSTANT
from ..long_range.split import g_ewald_from_sigma
from ..model_file.archive import read_metadata
from ..model_file.metadata import LongRange, Metadata


def inspect(path: str | os.PathLike[str]) -> str:
    """The contract of a model file as text for a terminal; needs no torch.

    Raises
    ------
    ContractError
        If the file is not a model of contract version 1, 2 or 3.
    """
    metadata = read_metadata(path)
    size = Path(path).stat().st_size
    layers = metadata.message_passing_layers
    features, state, compiled = metadata.message_features, metadata.charge_per_atom, metadata.compiled
    plain = {key: value for key, value in metadata.created_with.items() if not isinstance(value, Mapping)}
    origin = ", ".join(f"{key} {value}" for key, value in plain.items())
    rows = [
        ("file", f"{path} ({size / 1024:.0f} KiB)"),
        ("format", f"pair_les, version {metadata.format_version}"),
        ("species", " ".join(metadata.species)),
        ("cutoff", f"{metadata.cutoff:g} angstrom"),
        ("message passing", f"{layers} layers, receptive field {(1 + layers) * metadata.cutoff:g} angstrom"),
        *([("  messages", f"{features} numbers per atom and layer, communicated")] if features else []),
        *([("committee", f"{metadata.committee} networks")] if metadata.committee > 1 else []),
        *_reference_rows(metadata),
        *([("charge state", f"{state:.6g} e per atom")] if state is not None else []),
        *_uncertainty_rows(metadata),
        ("precision", metadata.dtype),
        *(
            [("compiled for", ", ".join(f"{key} {value}" for key, value in asdict(compiled).items()))]
            if compiled
            else []
        ),
        ("units", "angstrom, eV, e"),
        *_long_range_rows(metadata.long_range),
        ("created with", origin or "not said"),
        *_start_rows(metadata.created_with),
    ]
    if metadata.description:
        rows.append(("description", metadata.description))
    rows += [("reference", reference) for reference in metadata.references]
    rows += [(f"(unknown) {key}", json.dumps(value)) for key, value in metadata.extra.items()]
    rows.append(("LAMMPS", _lammps_lines(metadata)))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def _start_rows(created_with: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The models that the weights come from, the latest first."""
    rows: list[tuple[str, str]] = []
    origin = created_with.get("origin")
    while isinstance(origin, Mapping):
        frozen = origin.get("frozen")
        note = f", {', '.join(frozen)} frozen" if frozen else ""
        rows.append(("started from", f"{origin.get('start_from')}{note}"))
        origin = origin.get("origin", (origin.get("created_with") or {}).get("origin"))
    return rows


def _uncertainty_rows(metadata: Metadata) -> list[tuple[str, str]]:
    found = metadata.uncertainty
    if found is None:
        return []
    text = (
        f"of energies and forces, from {found.training_frames} training and {found.calibration_frames} calibration frames; 99.9 % of "
        f"the training atoms are below {found.training_force:.3g} eV/A"
    )
    return [("uncertainty", text)]


def _reference_rows(metadata: Metadata) -> list[tuple[str, str]]:
    if not metadata.reference_energies:
        return []
    energies = ", ".join(f"{symbol} {metadata.reference_energies[symbol]:.6f}" for symbol in metadata.species)
    return [("reference energies", f"{energies} eV, added in float64")]


def _long_range_rows(settings: LongRange | None) -> list[tuple[str, str]]:
    if settings is None:
        return [("long range", "none: short-range energy only, no charges")]
    usual = settings.coulomb_constant == COULOMB_CONSTANT
    note = "" if usual else f" (pair_les trains with {COULOMB_CONSTANT})"
    rows = [
        (
            "long range",
            f"{'equilibrated' if settings.equilibrates else 'latent'} charges, Gaussians of sigma = {settings.sigma:g} angstrom",
        ),
        ("  matched g_ewald", f"{g_ewald_from_sigma(settings.sigma):.6f} / angstrom"),
        ("  Coulomb constant", f"{settings.coulomb_constant} eV angstrom / e^2{note}"),
        ("  self-interaction", "kept" if settings.self_interaction else "removed"),
        ("  neutralize", "mean charge is subtracted" if settings.neutralize else "no"),
    ]
    return rows + [(f"  (unknown) {key}", json.dumps(value)) for key, value in settings.extra.items()]


def _lammps_lines(metadata: Metadata) -> str:
    coefficients = "pair_style les; pair_coeff * * FILE <element of type 1> <element of type 2> ..."
    return coefficients if metadata.long_range is None else f"{coefficients}; kspace_style pppm 1e-5"
