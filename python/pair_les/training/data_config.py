# SPDX-License-Identifier: MIT
"""The section `data` of the training configuration: sources of frames, their labels and weights.

The string below a field is its description in docs/reference/configuration.md, which ``python docs/generate.py`` writes.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from ..data.files.sources import Source
from ..data.frames import LabelKeys
from .config_section import NonNegative, Section


class KeysSection(Section):
    """Names of the labels in the data files."""

    energy: str = "energy"
    """Energy of a frame, eV."""

    forces: str = "forces"
    """Forces on the atoms, eV/A."""

    stress: str | None = "stress"
    """Stress, eV/A^3, positive under tension: 3 x 3, 9, or 6 numbers in the order xx yy zz yz xz xy. null: not read."""

    virial: str | None = "virial"
    """Virial, eV, minus volume times stress, in the same orders; used in frames without a stress. null: not read."""

    weight: str | None = "config_weight"
    """Weight of a frame in the loss, 1 where it is missing. null: not read."""

    total_charge: str = "total_charge"
    """Total charge of a frame, e; 0 where it is missing. Read by models with `neutralize` or `charge_state` and by `charge_loss`."""

    dipole: str = "dipole"
    """Dipole of an isolated frame, 3 numbers, e A. Read where `training.charge_loss.dipole` is above 0."""

    bec: str = "bec"
    """Born effective charges, 9 numbers per atom, e. Read where `training.charge_loss.bec` is above 0."""

    fragment: str = "fragment"
    """Index of the fragment of each atom, below 0 for none. Read where `training.charge_loss.fragments` is above 0."""

    fragment_charge: str = "fragment_charge"
    """Charge of the fragment of each atom, e, the same on all its atoms; 0 where it is missing."""

    def labels(self) -> LabelKeys:
        """Return the names as the reader of data takes them."""
        return LabelKeys(self.energy, self.forces, self.stress, self.virial, self.total_charge)


class SourceSection(Section):
    """One of several sources of frames, with a weight or label names of its own."""

    files: list[str]
    weight: NonNegative = 1.0
    keys: dict[Literal["energy", "forces", "stress", "virial"], str | None] = {}

    def sources(self) -> list[Source]:
        """Return one source for each entry of `files`."""
        names: dict[str, str | None] = {str(kind): name for kind, name in self.keys.items()}
        return [Source(file, self.weight, names) for file in self.files]

    @model_validator(mode="before")
    @classmethod
    def _one_file(cls, values: Any) -> Any:
        if isinstance(values, dict) and isinstance(values.get("files"), str):
            return {**values, "files": [values["files"]]}
        return values


def _as_list(value: Any) -> Any:
    if isinstance(value, str | dict | SourceSection):
        value = [value]
    return [_source(entry) for entry in value] if isinstance(value, list) else value


def _source(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    try:
        return SourceSection.model_validate(entry)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ValueError(
            f"{entry}: {key}: {first['msg']}: a source is a file, or has the keys files, weight and keys, as in "
            "{files: 'bulk/*.xyz@::10', weight: 0.5, keys: {forces: REF_forces}}"
        ) from error


def _fraction(value: Any) -> Any:
    if isinstance(value, float) and not 0 < value < 1:
        raise ValueError("must be a fraction between 0 and 1, or files")
    return value


Sources = Annotated[list[str | SourceSection], BeforeValidator(_as_list), Field(min_length=1)]


class DataSection(Section):
    """The frames to learn from."""

    train: Sources
    """File, pattern (`md/*.xyz`) or folder of DeePMD-kit, with a slice of the frames of each file where wanted (`a.xyz@:100`,
    `a.xyz@::10`); or a list of these, of which each may also be a mapping with `files` and the `weight` of its frames in the
    loss, and with `keys` (energy, forces, stress, virial) where its labels have other names."""

    valid: Annotated[float | Sources, AfterValidator(_fraction)] = 0.1
    """Fraction of the training frames, chosen by the seed, or sources as in `data.train`."""

    train_fraction: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Fraction of the training frames that is used, chosen by the seed after the split: smaller ones are part of larger ones."""

    keys: KeysSection = KeysSection()

    config_type_weights: dict[Annotated[str, "`config_type`"], NonNegative] = {}
    """Weight in the loss of the frames of each `config_type`, such as `{surface: 2.0}`; 1 for the others."""

    missing_labels: Literal["error", "allow"] = "error"
    """Whether frames with an energy and no forces, or with forces and no energy, are an error or are learned from."""

    reference_energies: dict[str, float] | Literal["fit", "refit"] | None = "fit"
    """Energy of each element, eV, which is subtracted from the labels and stored in the model file. `fit`: those of the model of
    `training.start_from` or of the backbone's checkpoint; for other elements energies of the isolated atoms of the data, else
    least squares. `refit`: those of such a model, shifted to the labels by least squares. null: none."""

    label_checks: Literal["error", "warn"] = "error"
    """Whether labels that cannot be right stop the run or only give a warning."""

    max_neighbors: Annotated[int, Field(gt=0)] = 1000
    """Average number of neighbors of an atom beyond which `model.cutoff` is refused."""

    def train_sources(self) -> list[Source]:
        """Return the sources of the training frames, or of all frames."""
        return _as_sources(self.train)

    def valid_sources(self) -> list[Source] | None:
        """Return the sources of the validation frames; None where they are a fraction of the training frames."""
        return _as_sources(self.valid) if isinstance(self.valid, list) else None


def _as_sources(entries: list[str | SourceSection]) -> list[Source]:
    sections = [SourceSection(files=[entry]) if isinstance(entry, str) else entry for entry in entries]
    return [source for section in sections for source in section.sources()]
