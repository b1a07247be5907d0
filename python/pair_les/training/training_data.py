# SPDX-License-Identifier: MIT
"""Data of a run: training and validation frames, reference energies, and the notes about them for the user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..data.duplicates import leakage_findings, repetition_findings
from ..data.frames import DataSet, Frame, LabelKeys, count_labels, read_data, require_no_slabs
from ..data.graphs import find_elements
from ..data.isolated_atoms import isolated_energies
from ..data.label_checks import check_labels
from ..data.label_survey import absent_labels
from ..data.neighbor_counts import require_few_neighbors
from ..data.reference_energies import fit_reference_energies
from ..data.split import choose_fraction, split_frames
from ..data.unexpected_labels import free_energy_findings, unused_charge_findings
from ..data.weights import describe_weights, weigh_frames
from ..errors import ConfigError, DataError
from .config import Config
from .schedule import weights_of_score
from .start_model import StartModel
from .start_species import KnownElements, choose_origins, describe_origins


@dataclass(frozen=True)
class TrainingData:
    """Frames of a run.

    Parameters
    ----------
    train, valid
        Frames of the two sides of the split.
    species
        Elements of the network: those of the training frames, by atomic number, or those of a start model and after them new ones.
    reference_energies
        eV of each of them.
    files
        Files and folders that were read.
    notes
        Lines about the data for the user.
    origins
        For each species, that of the start model whose weights it starts with; empty without start model.
    """

    train: list[Frame]
    valid: list[Frame]
    species: list[str]
    reference_energies: dict[str, float]
    files: list[str]
    notes: list[str] = field(default_factory=list)
    origins: dict[str, str] = field(default_factory=dict)


def read_training_data(
    config: Config, start: StartModel | KnownElements | None = None, saved: Mapping[str, Any] | None = None
) -> TrainingData:
    """Read, check and split the frames of a configuration.

    Parameters
    ----------
    config
        Of the run.
    start
        The model that a new run starts from, or what its trained backbone knows.
    saved
        Description in the last checkpoint of a resumed run (`RunCheckpoint`), which has species and reference energies.

    Raises
    ------
    DataError, ConfigError
        If a file, a frame or a label cannot be used.
    """
    read = _read(config)
    train, valid = _split(config, read)
    train = choose_fraction(train, config.data.train_fraction, config.training.seed)
    _require_labels(config, train)
    training = config.training
    if len(valid) < training.all_processes:
        nodes = f" on each of training.nodes = {training.nodes}" if training.nodes > 1 else ""
        raise ConfigError(
            f"training.processes = {training.processes}{nodes}: there are only {len(valid)} validation "
            "frames: use fewer processes, or more validation frames"
        )
    files = [file for data in read for file in data.files]
    absent = absent_labels([data.survey for data in read], asdict(LabelKeys()), files)
    long_range = config.model.long_range
    if long_range is not None and long_range.charge_model == "equilibration":
        require_no_slabs([*train, *valid])
    require_few_neighbors(train, config.model.cutoff, config.data.max_neighbors)
    warnings = _checked_labels(config, train, valid)
    found = species = find_elements(train)
    origins: dict[str, str] = {}
    if saved is not None and (config.training.start_from or config.model.checkpoint):
        species, reference_energies = saved["species"], saved["reference_energies"]
    elif start is not None:
        if isinstance(start, KnownElements):
            origins = start.origins(found, train)
        else:
            origins = choose_origins(start.file, start.species, found, train, config.training.start)
        species = list(origins)
        reference_energies = _reference_energies(
            config, read[0], train, species, start.reference_energies, found
        )
    else:
        reference_energies = _reference_energies(config, read[0], train, species)
    notes = [_counts("training", train), _counts("validation", valid), *absent, *warnings]
    notes += describe_weights("training", train, config.data.keys.weight)
    notes += describe_weights("validation", valid, config.data.keys.weight)
    unread = [] if uses_total_charge(config) else ["total_charge"]
    for data in read:
        notes += data.survey.notes(data.files, _used_labels(config), unread)
    new = [symbol for symbol in found if start is None or symbol not in start.species]
    notes += _isolated_atom_notes(config, read, new)
    notes.append(
        "reference energies (eV): " + ", ".join(f"{s} {e:.6f}" for s, e in reference_energies.items())
    )
    if isinstance(start, StartModel):
        notes += describe_origins(origins, start.species, found)
    return TrainingData(train, valid, species, reference_energies, files, notes, origins)


def read_split(config: Config) -> tuple[list[Frame], list[Frame]]:
    """Return training and validation frames of a configuration; `DataError` where one cannot be used."""
    return _split(config, _read(config))


def _read(config: Config) -> list[DataSet]:
    """Read the files of the training frames, and those of the validation frames where these are files of their own."""
    keys = config.data.keys.labels()
    allow_missing = config.data.missing_labels == "allow"
    sources = [config.data.train_sources()]
    if (valid_sources := config.data.valid_sources()) is not None:
        sources.append(valid_sources)
    return [read_data(part, keys, allow_missing=allow_missing) for part in sources]


def _split(config: Config, read: list[DataSet]) -> tuple[list[Frame], list[Frame]]:
    """Training and validation frames with their weights."""
    frames = [frame for data in read for frame in data.frames]
    files = [file for data in read for file in data.files]
    frames = weigh_frames(frames, config.data.keys.weight, config.data.config_type_weights, ", ".join(files))
    if isinstance(config.data.valid, list):
        n_train = len(read[0].frames)
        return frames[:n_train], frames[n_train:]
    return split_frames(frames, config.data.valid, config.training.seed)


def _require_labels(config: Config, frames: list[Frame]) -> None:
    """Raise `DataError` where the loss has a weight for a kind of label that no training frame has."""
    for kind, found in (
        ("energy", any(frame.has_energy for frame in frames)),
        ("forces", any(frame.has_forces for frame in frames)),
    ):
        if not found and frames and getattr(weights_of_score(config.training), kind) > 0.0:
            key = getattr(config.data.keys, kind)
            raise DataError(
                f"{frames[0].file}: no training frame has a label '{key}': name it with data.keys.{kind}, or set "
                f"training.loss.{kind}: 0 to learn from the others alone"
            )


def _checked_labels(config: Config, train: list[Frame], valid: list[Frame]) -> list[str]:
    """Warnings about labels; findings that are errors are warnings, too, with ``data.label_checks: warn``."""
    frames = [*train, *valid]
    findings = [
        *check_labels(frames),
        *leakage_findings(train, valid, not isinstance(config.data.valid, list)),
        *repetition_findings(train),
        *repetition_findings(valid),
        *free_energy_findings(frames, config.data.keys.energy),
    ]
    if not uses_total_charge(config):
        findings += unused_charge_findings(frames, config.data.keys.total_charge)
    findings.sort(key=lambda finding: not finding.refused)
    if findings and findings[0].refused and config.data.label_checks == "error":
        n_others = sum(finding.refused for finding in findings) - 1
        others = f" ({n_others} more problems: pair-les data lists all)" if n_others else ""
        raise DataError(f"{findings[0].text}, or set data.label_checks: warn if the labels are right{others}")
    return [f"warning: {finding.text}" for finding in findings]


def _counts(name: str, frames: list[Frame]) -> str:
    counts = count_labels(frames)
    return (
        f"{name}: {counts['frames']} frames, {counts['atoms']} atoms, {counts['periodic']} frames periodic, "
        f"{counts['stress']} with stress"
        + "".join(
            f", {counts[kind]} with {kind}" for kind in ("energy", "forces") if counts[kind] < len(frames)
        )
        + (f", {counts['slabs']} slabs" if counts["slabs"] else "")
    )


def uses_total_charge(config: Config) -> bool:
    """Return whether the model or the loss depends on the total charge of a frame."""
    long_range = config.model.long_range
    projected = long_range is not None and long_range.neutralize
    return projected or config.model.charge_state or config.training.charge_loss.asked()


def _used_labels(config: Config) -> list[str]:
    """Names of the labels that are not in `LabelKeys`: the weight, and those that the loss of charges reads."""
    keys, loss = config.data.keys, config.training.charge_loss
    weights = {
        keys.dipole: loss.dipole,
        keys.bec: loss.bec,
        keys.fragment: loss.fragments,
        keys.fragment_charge: loss.fragments,
    }
    names = [name for name, weight in weights.items() if weight > 0.0]
    return names if keys.weight is None else [*names, keys.weight]


def _reference_energies(
    config: Config,
    data: DataSet,
    frames: list[Frame],
    species: list[str],
    known: Mapping[str, float] | None = None,
    found: list[str] | None = None,
) -> dict[str, float]:
    """Return the reference energies of `species`; `known` are those of a start model, `found` the elements of the frames."""
    given = config.data.reference_energies
    known, found = known or {}, species if found is None else found
    if given == "refit" and not known:
        raise ConfigError(
            "data.reference_energies = 'refit' shifts those of training.start_from or model.checkpoint, which are not given: "
            "use 'fit'"
        )
    if given == "fit" or given == "refit":
        return fit_reference_energies(frames, species, {**isolated_energies(data.isolated_atoms), **known})
    if given is None:
        return dict.fromkeys(species, 0.0)
    for symbol in found:
        if symbol not in given:
            where = next(frame.where for frame in frames if symbol in frame.symbols)
            raise ConfigError(
                f"data.reference_energies has no value for {symbol}, which occurs in {where}: "
                f"add '{symbol}: <eV per atom>', or use 'fit'"
            )
    unknown = [symbol for symbol in given if symbol not in species]
    if unknown:
        raise ConfigError(
            f"data.reference_energies names {unknown[0]}, which does not occur in the training frames "
            f"(they have {' '.join(species)}): remove it"
        )
    numbers: Mapping[str, float] = {**known, **given}
    return {symbol: numbers.get(symbol, 0.0) for symbol in species}


def _isolated_atom_notes(config: Config, read: list[DataSet], species: list[str]) -> list[str]:
    """Return the lines for the user about the use of isolated atoms."""
    notes = []
    for number, data in enumerate(read):
        symbols = list(dict.fromkeys(atom.symbol for atom in data.isolated_atoms))
        taken = [
            s
            for s in symbols
            if s in species and number == 0 and config.data.reference_energies in ("fit", "refit")
        ]
        left = [s for s in symbols if s not in taken]
        files = ", ".join(data.files)
        if taken:
            notes.append(
                f"{files}: isolated atoms of {' '.join(taken)} give their reference energies, and are not frames to learn from"
            )
        if left:
            reason = "training frames have no such element"
            if config.training.start_from is not None:
                reason += ", or the start model has its energy"
            if number > 0:
                reason = "those of data.train are"
            elif config.data.reference_energies not in ("fit", "refit"):
                reason = "data.reference_energies is not 'fit'"
            notes.append(f"{files}: isolated atoms of {' '.join(left)} are not used: {reason}")
    return notes
