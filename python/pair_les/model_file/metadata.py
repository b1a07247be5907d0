# SPDX-License-Identifier: MIT
"""The metadata of a model file (contract, versions 1 to 3): its keys and their rules.

Every broken rule is an error of one line that names the file, the key, the value and the rule.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..constants import COULOMB_CONSTANT, FORMAT_NAME, FORMAT_VERSION, METADATA_FILE, UNITS
from .compiled import Compiled, parse_compiled
from .rules import ContractError, broken, is_integer, is_number, is_symbol, kind_of, required
from .uncertainty import Uncertainty, parse_uncertainty

_DTYPES = ("float32", "float64")
_IN_MEMORY = "in memory"
_REQUIRED = ("species", "cutoff", "message_passing_layers", "dtype", "long_range", "created_with")
_CHARGE_MODELS = ("latent", "equilibration")
_OPTIONAL = ("committee", "message_features", "charge_per_atom", "compiled", "uncertainty")
_REQUIRED_LONG_RANGE = ("sigma", "coulomb_constant", "self_interaction", "neutralize")


@dataclass(frozen=True)
class LongRange:
    """Definition of the long-range energy that the model was trained with (docs/reference/model_file.md, ``long_range``).

    Parameters
    ----------
    sigma
        Width of the Gaussian smearing, angstrom, > 0.
    coulomb_constant
        eV angstrom / e^2, > 0; older published models imply 14.3315.
    self_interaction
        Whether the energy keeps the interaction of each Gaussian with itself.
    neutralize
        Whether the mean of all charges is subtracted before the sum.
    charge_model
        ``"latent"``: the network returns the charges. ``"equilibration"`` (version 2): it returns electronegativities and
        hardnesses, whose energy the charges minimize; their sum is fixed, so that `neutralize` must be true.
    extra
        Unknown keys of a file, kept and ignored.
    """

    sigma: float
    coulomb_constant: float = COULOMB_CONSTANT
    self_interaction: bool = False
    neutralize: bool = False
    charge_model: str = "latent"
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        _check_long_range(self, _IN_MEMORY)

    @property
    def equilibrates(self) -> bool:
        """Whether the charges are those of charge equilibration."""
        return self.charge_model == "equilibration"

    def to_dict(self, version: int = 1) -> dict[str, Any]:
        """The JSON object of the contract, in this version of it or in the oldest that has the charge model."""
        charge_model = {"charge_model": self.charge_model} if self.equilibrates or version > 1 else {}
        return {
            "sigma": float(self.sigma),
            "coulomb_constant": float(self.coulomb_constant),
            "self_interaction": self.self_interaction,
            "neutralize": self.neutralize,
            **charge_model,
            **self.extra,
        }


@dataclass(frozen=True)
class Metadata:
    """The metadata of a model file (docs/reference/model_file.md); ``format``, ``format_version`` and ``units`` are implied.

    Parameters
    ----------
    species
        Chemical symbols; the position is the species index given to ``forward``.
    cutoff
        Angstrom; ``forward`` only sees edges shorter than this.
    message_passing_layers
        0 for a strictly local model.
    dtype
        ``"float32"`` or ``"float64"``: dtype of edge vectors and outputs.
    long_range
        None for a model without charges.
    created_with
        Versions of pair_les and torch, date; free.
    description, references
        For the user.
    reference_energies
        eV per species, which a reader adds in float64 to what ``forward`` returns (version 3); empty: nothing is added.
    committee
        Number of networks in the file; energy and charges are their means.
    message_features
        Numbers that each layer's messages have per atom; empty where the network is not cut at its layers.
    charge_per_atom
        e; the charge state that the file was exported for, of a network that is conditioned on it; None for others.
    compiled
        Of a package only.
    uncertainty
        How uncertainties of forces follow from those that the network returns; None where it returns none.
    extra
        Unknown top-level keys of a file, kept and ignored.

    Raises
    ------
    ContractError
        If a value breaks a rule.
    """

    species: tuple[str, ...]
    cutoff: float
    message_passing_layers: int = 0
    dtype: str = "float64"
    long_range: LongRange | None = None
    created_with: Mapping[str, Any] = field(default_factory=dict, hash=False)
    description: str = ""
    references: tuple[str, ...] = ()
    reference_energies: Mapping[str, float] = field(default_factory=dict, hash=False)
    committee: int = 1
    message_features: list[int] = field(default_factory=list, hash=False)
    charge_per_atom: float | None = None
    compiled: Compiled | None = None
    uncertainty: Uncertainty | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        for name in ("species", "references"):  # lists are welcome, equality and hashing want tuples
            if isinstance(getattr(self, name), list):
                object.__setattr__(self, name, tuple(getattr(self, name)))
        moved = {name: value for name, value in self.extra.items() if name in _OPTIONAL}
        if moved:  # keys that have become fields
            if "compiled" in moved:
                moved["compiled"] = parse_compiled(moved["compiled"], _IN_MEMORY)
            if "uncertainty" in moved:
                moved["uncertainty"] = parse_uncertainty(moved["uncertainty"], self.species, _IN_MEMORY)
            moved["extra"] = {name: value for name, value in self.extra.items() if name not in moved}
            for name, value in moved.items():
                object.__setattr__(self, name, value)
        _check_metadata(self, _IN_MEMORY)

    @classmethod
    def from_json(cls, text: str | bytes, file: str | os.PathLike[str]) -> Metadata:
        """Parse and validate ``metadata.json``.

        Parameters
        ----------
        text
            The JSON text.
        file
            Named in error messages.

        Raises
        ------
        ContractError
            If the text is no JSON object, a key is missing or ill-typed, or the format version is unknown.
        """
        return _parse(text, os.fspath(file))

    @property
    def format_version(self) -> int:
        """The oldest contract version that can say this.

        3 with reference energies, 2 with charge equilibration or a total charge other than zero, otherwise 1.
        """
        if self.reference_energies:
            return 3
        if self.long_range is None:
            return 1
        shifted = self.long_range.neutralize and bool(self.charge_per_atom)
        return 2 if self.long_range.equilibrates or shifted else 1

    def to_json(self) -> str:
        """The JSON text of ``metadata.json``, with every key of the contract."""
        return json.dumps(
            {
                "format": FORMAT_NAME,
                "format_version": self.format_version,
                "species": list(self.species),
                "cutoff": float(self.cutoff),
                "message_passing_layers": self.message_passing_layers,
                "dtype": self.dtype,
                "units": UNITS,
                "long_range": None
                if self.long_range is None
                else self.long_range.to_dict(self.format_version),
                "created_with": dict(self.created_with),
                "description": self.description,
                "references": list(self.references),
                **({"reference_energies": dict(self.reference_energies)} if self.reference_energies else {}),
                **({"committee": self.committee} if self.committee != 1 else {}),
                **({"message_features": self.message_features} if self.message_features else {}),
                **({"charge_per_atom": self.charge_per_atom} if self.charge_per_atom is not None else {}),
                **({"compiled": asdict(self.compiled)} if self.compiled is not None else {}),
                **({"uncertainty": asdict(self.uncertainty)} if self.uncertainty is not None else {}),
                **self.extra,
            },
            indent=2,
            allow_nan=False,
        )


def _parse(text: str | bytes, file: str) -> Metadata:
    try:
        data = json.loads(text)
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError are both ValueErrors
        raise ContractError(f"{file}: {METADATA_FILE} is not valid JSON: {error}") from error
    if not isinstance(data, dict):
        raise ContractError(f"{file}: {METADATA_FILE} is {kind_of(data)}, must be a JSON object")

    # The version decides what every other key means, so it is looked at before them.
    if required(data, "format", file) != FORMAT_NAME:
        raise broken(file, "format", data["format"], f"must be '{FORMAT_NAME}'")
    version = required(data, "format_version", file)
    if not is_integer(version) or version < 1:
        raise broken(file, "format_version", version, "must be a positive integer")
    if version > FORMAT_VERSION:
        raise ContractError(
            f"{file}: format_version {version} is not known to this pair_les, which reads versions 1 to "
            f"{FORMAT_VERSION}: install a newer pair_les"
        )
    if required(data, "units", file) != UNITS:
        raise broken(file, "units", data["units"], f"must be exactly {json.dumps(UNITS)}")

    known = {key: required(data, key, file) for key in _REQUIRED}
    defaults: dict[str, Any] = {"description": "", "references": [], "reference_energies": {}, "committee": 1}
    known |= {key: data.get(key, default) for key, default in defaults.items()}
    known["message_features"] = _message_features(data, known["message_passing_layers"], file)
    known["charge_per_atom"] = data.get("charge_per_atom")
    if "charge_per_atom" in data and not is_number(known["charge_per_atom"]):
        raise broken(file, "charge_per_atom", known["charge_per_atom"], "must be a finite number (e)")
    known["compiled"] = parse_compiled(data["compiled"], file) if "compiled" in data else None
    for name in ("species", "references"):
        if not isinstance(known[name], list):
            raise broken(file, name, known[name], "must be a list of strings")
        known[name] = tuple(known[name])
    if not isinstance(known["long_range"], dict | None):
        raise broken(file, "long_range", known["long_range"], "must be an object or null")
    if known["long_range"] is not None:
        known["long_range"] = _parse_long_range(known["long_range"], version, file)
    given = data.get("uncertainty")
    known["uncertainty"] = None if given is None else parse_uncertainty(given, known["species"], file)
    implied = {"format", "format_version", "units"}
    known["extra"] = {key: value for key, value in data.items() if key not in known and key not in implied}
    candidate = _construct_unchecked(Metadata, known)
    _check_metadata(candidate, file)
    if version < candidate.format_version:
        reason = (
            "must be 3 where there are reference_energies"
            if candidate.reference_energies
            else "must be 2 where neutralize shifts to charge_per_atom"
        )
        raise broken(file, "format_version", version, reason)
    return candidate


def _parse_long_range(data: dict[str, Any], version: int, file: str) -> LongRange:
    known = {key: required(data, key, file, "long_range.") for key in _REQUIRED_LONG_RANGE}
    # a key of version 1 by this name is unknown and ignored
    known["charge_model"] = "latent" if version == 1 else required(data, "charge_model", file, "long_range.")
    known["extra"] = {key: value for key, value in data.items() if key not in known}
    candidate = _construct_unchecked(LongRange, known)
    _check_long_range(candidate, file)
    return candidate


def _check_long_range(settings: LongRange, file: str) -> None:
    for name in ("sigma", "coulomb_constant"):
        value = getattr(settings, name)
        if not is_number(value) or value <= 0:
            unit = "angstrom" if name == "sigma" else "eV angstrom / e^2"
            raise broken(file, f"long_range.{name}", value, f"must be a finite number > 0 ({unit})")
    for name in ("self_interaction", "neutralize"):
        if not isinstance(getattr(settings, name), bool):
            raise broken(file, f"long_range.{name}", getattr(settings, name), "must be true or false")
    if settings.charge_model not in _CHARGE_MODELS:
        raise broken(
            file, "long_range.charge_model", settings.charge_model, "must be 'latent' or 'equilibration'"
        )
    if settings.equilibrates and not settings.neutralize:
        raise broken(
            file,
            "long_range.neutralize",
            False,
            "must be true where charge_model is 'equilibration': equilibrated charges have a given sum",
        )


def _check_metadata(metadata: Metadata, file: str) -> None:
    species = metadata.species
    if not isinstance(species, tuple) or not species or not all(is_symbol(symbol) for symbol in species):
        raise broken(file, "species", species, "must be a non-empty list of chemical symbols")
    if len(set(species)) != len(species):
        raise broken(file, "species", species, "must name each species once")
    if not is_number(metadata.cutoff) or metadata.cutoff <= 0:
        raise broken(file, "cutoff", metadata.cutoff, "must be a finite number > 0 (angstrom)")
    layers = metadata.message_passing_layers
    if not is_integer(layers) or layers < 0:
        raise broken(file, "message_passing_layers", layers, "must be an integer >= 0")
    if metadata.dtype not in _DTYPES:
        raise broken(file, "dtype", metadata.dtype, "must be 'float32' or 'float64'")
    if metadata.long_range is not None and not isinstance(metadata.long_range, LongRange):
        raise broken(file, "long_range", metadata.long_range, "must be an object or null")
    if metadata.charge_per_atom is not None and not is_number(metadata.charge_per_atom):
        raise broken(file, "charge_per_atom", metadata.charge_per_atom, "must be a finite number (e)")
    if metadata.message_features:
        _message_features({"message_features": metadata.message_features}, layers, file)
    if metadata.compiled is not None and len(metadata.compiled.kept) != len(metadata.message_features):
        rule = f"must have one number for each of the {len(metadata.message_features)} message_features"
        raise broken(file, "compiled.kept", metadata.compiled.kept, rule)
    committee = metadata.committee
    if not is_integer(committee) or committee < 1:
        raise broken(file, "committee", committee, "must be the number of networks, an integer >= 1")
    if metadata.long_range is not None and metadata.long_range.equilibrates and committee != 1:
        raise broken(file, "committee", committee, "must be 1 where charge_model is 'equilibration'")
    if not isinstance(metadata.created_with, Mapping):
        raise broken(file, "created_with", metadata.created_with, "must be an object")
    if not isinstance(metadata.description, str):
        raise broken(file, "description", metadata.description, "must be a string")
    references = metadata.references
    if not isinstance(references, tuple) or not all(isinstance(item, str) for item in references):
        raise broken(file, "references", references, "must be a list of strings")
    _check_reference_energies(metadata, file)


def _message_features(data: Mapping[str, Any], layers: Any, file: str) -> list[int]:
    """The checked value of the optional key, an empty list where it is absent."""
    features = data.get("message_features", [])
    if "message_features" in data and not (
        isinstance(features, list)
        and len(features) == layers > 0
        and all(is_integer(width) and width > 0 for width in features)
    ):
        rule = f"must be a list of as many integers > 0 as message_passing_layers, which is {layers}"
        raise broken(file, "message_features", features, rule)
    return features


def _check_reference_energies(metadata: Metadata, file: str) -> None:
    energies = metadata.reference_energies
    if not isinstance(energies, Mapping) or not all(is_number(energy) for energy in energies.values()):
        raise broken(file, "reference_energies", energies, "must be an object of finite numbers (eV)")
    if energies and set(energies) != set(metadata.species):
        rule = f"must have one number for each of the species {' '.join(metadata.species)}"
        raise broken(file, "reference_energies", energies, rule)


def _construct_unchecked(cls: type, values: dict[str, Any]) -> Any:
    """An instance whose checks the caller makes itself, with the file's name in the message."""
    instance: Any = object.__new__(cls)
    for name, value in values.items():
        object.__setattr__(instance, name, value)
    return instance
