# SPDX-License-Identifier: MIT
"""Elements of a run that starts from a model: those of both, and the rules for those that only one of them has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..backbones.backbone import Backbone
from ..data.frames import Frame
from ..data.periodic_table import nearest_element
from ..errors import ConfigError
from .config import Config
from .config_start import StartSection
from .network import backbone_of


class KnownElements:
    """Elements that a trained backbone knows, with their reference energies, eV; made when those of the data are known.

    Elements of the run are those of the data, and none can be new.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.file = str(config.model.checkpoint)
        self.backbone: Backbone | None = None

    @property
    def species(self) -> list[str]:
        """Chemical symbols; none before `origins` has been called."""
        return [] if self.backbone is None else self.backbone.species

    @property
    def reference_energies(self) -> Mapping[str, float]:
        """eV per element."""
        return {} if self.backbone is None else self.backbone.reference_energies

    def origins(self, found: Sequence[str], frames: Sequence[Frame]) -> dict[str, str]:
        """The elements of the training frames, `found`.

        Raises
        ------
        ConfigError
            If the backbone does not know one of them.
        """
        config = self.config
        self.backbone = backbone_of(config.model, found, config.training.precision)
        for symbol in found:
            if symbol not in self.species:
                where = next(frame.where for frame in frames if symbol in frame.symbols)
                raise ConfigError(
                    f"model.checkpoint: {self.file} does not know {symbol}, which occurs in {where} (it knows "
                    f"{' '.join(self.species)}): leave such frames out, or take a model that knows it"
                )
        return {symbol: symbol for symbol in found}


def starts_from_backbone(config: Config) -> bool:
    """Whether `training.start_from` is the file of the backbone, whose weights are there already."""
    return config.model.checkpoint is not None and config.training.start_from == config.model.checkpoint


def choose_origins(
    file: str, known: Sequence[str], found: Sequence[str], frames: Sequence[Frame], rules: StartSection
) -> dict[str, str]:
    """Species of the new network, in order, each with the species of the start model that it starts from.

    Parameters
    ----------
    file
        The start model, named in errors.
    known
        Its species, which come first and in this order.
    found
        Elements of the training frames; those that are new follow.
    frames
        Training frames.
    rules
        What becomes of species that only one side has.

    Raises
    ------
    ConfigError
        For a new species without a rule, or a rule that names an element that is not there.
    """
    kept = [symbol for symbol in known if symbol in found or rules.absent_species == "keep"]
    origins = {symbol: symbol for symbol in kept}
    new = [symbol for symbol in found if symbol not in known]
    given = rules.new_species
    if isinstance(given, Mapping):
        for symbol, origin in given.items():
            if symbol not in new:
                reason = (
                    "the start model has it"
                    if symbol in known
                    else "it does not occur in the training frames"
                )
                raise ConfigError(f"training.start.new_species names {symbol}: {reason}: remove it")
            if origin not in known:
                raise ConfigError(
                    f"training.start.new_species: {symbol}: {origin}: {file} has {' '.join(known)}: name one of these"
                )
    for symbol in new:
        if given == "nearest":
            origins[symbol] = nearest_element(symbol, known)
        elif isinstance(given, Mapping) and symbol in given:
            origins[symbol] = given[symbol]
        else:
            where = next(frame.where for frame in frames if symbol in frame.symbols)
            near = nearest_element(symbol, known)
            raise ConfigError(
                f"training.start_from: {file} does not know {symbol}, which occurs in {where} (it knows {' '.join(known)}): "
                f"set training.start.new_species: nearest, or {{{symbol}: {near}}}, whose weights it then starts from"
            )
    return origins


def describe_origins(origins: Mapping[str, str], known: Sequence[str], found: Sequence[str]) -> list[str]:
    """Lines for the user about species that only one side has."""
    lines = [
        f"new species {symbol}: starts with the weights of {origin}"
        for symbol, origin in origins.items()
        if symbol not in known
    ]
    absent = [symbol for symbol in known if symbol not in found]
    if absent:
        kept = [symbol for symbol in absent if symbol in origins]
        what = "kept, though nothing is learned about them" if kept else "left out"
        lines.append(f"species of the start model without training frames: {' '.join(absent)}: {what}")
    return lines
