# SPDX-License-Identifier: MIT
"""A backbone with what a model must know about it, and its form in a checkpoint."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from ..errors import ConfigError
from ..model_file.metadata import LongRange


@dataclass(frozen=True)
class Backbone:
    """A network of another package or class.

    Parameters
    ----------
    name
        As `model.backbone` says.
    module
        Module of the protocol: ``forward`` returns ``energy``, ``features`` and possibly ``charge``.
    species
        Elements that it knows, in the order of its species index.
    cutoff
        Angstrom.
    message_passing_layers
        0: strictly local.
    trained
        Whether its weights are those of a checkpoint.
    reference_energies
        eV per element, which its energies are without; empty for a new network.
    long_range
        Of its own charges; None: it returns none.
    archive
        TorchScript of the module, from which it is made again; None: it is made again by class and options.
    versions
        Of packages, for the metadata.
    """

    name: str
    module: torch.nn.Module
    species: list[str]
    cutoff: float
    message_passing_layers: int
    trained: bool
    reference_energies: Mapping[str, float] = field(default_factory=dict)
    long_range: LongRange | None = None
    archive: bytes | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_cut(self) -> bool:
        """Whether messages can be communicated between its layers."""
        return self.message_passing_layers > 0 and len(getattr(self.module, "message_features", [])) > 0

    def saved(self) -> dict[str, Any]:
        """Plain values and tensors for a checkpoint; `restore` reads them back."""
        return {
            "name": self.name,
            "species": list(self.species),
            "cutoff": self.cutoff,
            "message_passing_layers": self.message_passing_layers,
            "trained": self.trained,
            "reference_energies": dict(self.reference_energies),
            "long_range": None if self.long_range is None else _plain(self.long_range),
            "versions": dict(self.versions),
            "archive": None
            if self.archive is None
            else torch.frombuffer(bytearray(self.archive), dtype=torch.uint8),
        }


def restore(saved: Mapping[str, Any], module: torch.nn.Module | None) -> Backbone:
    """The backbone of a checkpoint; `module` is given where it has no archive."""
    values = dict(saved)
    archive = values.pop("archive")
    settings = values.pop("long_range")
    content = None if archive is None else archive.numpy().tobytes()
    if content is not None:
        module = load_archive(content)
    assert module is not None  # of a class
    return Backbone(
        module=module,
        archive=content,
        long_range=None if settings is None else LongRange(**settings),
        **values,
    )


def archive_of(module: torch.jit.ScriptModule) -> bytes:
    """TorchScript archive of a scripted module."""
    stream = io.BytesIO()
    torch.jit.save(module, stream)
    return stream.getvalue()


def load_archive(content: bytes) -> torch.nn.Module:
    """The module of an archive; all its parameters can be trained."""
    module = torch.jit.load(io.BytesIO(content), map_location="cpu")
    for parameter in module.parameters():
        parameter.requires_grad_(True)
    return module


def require_features(module: torch.nn.Module, name: str) -> None:
    """Raise `ConfigError` unless a module says how many scalar features it returns."""
    n_features = getattr(module, "n_features", None)
    if not isinstance(n_features, int) or n_features < 1:
        raise ConfigError(
            f"model.backbone = {name}: n_features is {n_features!r}, must be the number of scalar features that forward returns "
            "as 'features' (an integer > 0)"
        )


def _plain(settings: LongRange) -> dict[str, Any]:
    return {name: value for name, value in asdict(settings).items() if name != "extra"}
