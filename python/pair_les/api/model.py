# SPDX-License-Identifier: MIT
"""A model as an object: load it, predict and evaluate many frames, make a calculator, export."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from ase import Atoms

from ..data.files.sources import FrameList, Source
from ..data.frames import LabelKeys
from ..data.response_labels import ResponseKeys, used_names
from ..errors import RunError
from ..evaluation.configuration import Evaluation
from ..evaluation.label_errors import evaluate_frames, model_graphs
from ..evaluation.many_frames import evaluate_many
from ..evaluation.uncertainty import deviations
from ..evaluation.uncertainty_report import uncertainty_report
from ..model_file.archive import load_model
from ..model_file.metadata import Metadata
from ..observables.agreement import agreement_errors, compare_charges
from ..observables.observe import Observation, observe
from .calculator import LESCalculator
from .error_report import ErrorReport

if TYPE_CHECKING:
    from ..export.model_export import Check

Frames = Atoms | str | os.PathLike[str] | Iterable[Atoms | str | os.PathLike[str]]
"""Frames in memory, or files, patterns and folders as in ``data.train``."""


class Model:
    """A trained model: a model file, or the best weights of a run.

    Made by `Model.load`, or by `TrainingRun.model`.

    Parameters
    ----------
    path
        The model file.
    device
        Where the network runs.
    """

    def __init__(self, path: str | os.PathLike[str], device: str = "cpu") -> None:
        self.path = Path(path)
        self.device = device
        self.module: torch.nn.Module
        self.metadata: Metadata
        self.module, self.metadata = load_model(self.path, device)
        self._checkpoints: list[Path] = []  # that it was exported from by `load`
        self._options: dict[str, Any] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        *,
        device: str = "cpu",
        **options: Any,
    ) -> Model:
        """Load a model file, a run folder (its best weights) or a checkpoint; several runs make a committee.

        A run is exported to a temporary file, so that its numbers are those of the exported model.

        Parameters
        ----------
        path
            Model file (``.pt``, ``.pt2``), run folder or checkpoint, or several of the latter.
        device
            Where the network runs.
        options
            Of `export`, for runs: ``precision``, ``charge`` and ``n_atoms``, ``force``.

        Raises
        ------
        ContractError
            If a model file is not what the contract says.
        RunError
            If a checkpoint cannot be read, or its run found that the model is not usable.
        """
        paths = [Path(path)] if isinstance(path, str | os.PathLike) else [Path(part) for part in path]
        if len(paths) == 1 and not _is_run(paths[0]):
            if options:
                raise RunError(
                    f"{paths[0]}: {', '.join(options)}: of a run folder only, and this is a model file: leave it out"
                )
            return cls(paths[0], device)
        from ..export.model_export import export  # whoever loads a model file needs no Lightning

        folder = tempfile.TemporaryDirectory(prefix="pair_les_")
        file = Path(folder.name) / "model.pt"
        export(paths, file, say=lambda line: None, **options)
        model = cls(file, device)
        model._checkpoints, model._options, model._folder = paths, options, folder
        return model

    @property
    def species(self) -> tuple[str, ...]:
        """Elements that the model knows."""
        return self.metadata.species

    @property
    def cutoff(self) -> float:
        """Cutoff of the network, angstrom."""
        return self.metadata.cutoff

    @property
    def has_charges(self) -> bool:
        """Whether the model has latent charges and a long-range energy."""
        return self.metadata.long_range is not None

    def __repr__(self) -> str:
        source = ", ".join(map(str, self._checkpoints or [self.path]))
        charges = "charges" if self.has_charges else "no charges"
        return f"<Model {source}: {' '.join(self.species)}, cutoff {self.cutoff:g} A, {charges}>"

    def calculator(self, **settings: Any) -> LESCalculator:
        """A calculator of ASE, which shares the network; settings as `LESCalculator` has them."""
        return LESCalculator(self.path, loaded=(self.module, self.metadata), device=self.device, **settings)

    def predict(
        self, frames: Sequence[Atoms], *, total_charge: float | Sequence[float] | None = None
    ) -> list[Evaluation]:
        """Energies, forces, stresses and charges of many frames, several in one call of the network.

        Parameters
        ----------
        frames
            Of any sizes and periodicities; labels are not needed.
        total_charge
            e, of all frames or of each; None: as the model says.

        Returns
        -------
        One result for each frame: what `LESCalculator` gives, up to rounding.

        Raises
        ------
        ContractError, GeometryError
            As `pair_les.evaluation.evaluate`.
        """
        return evaluate_many(
            self.module, self.metadata, frames, file=self.path, device=self.device, total_charge=total_charge
        )

    def observe(self, atoms: Atoms, **settings: Any) -> Observation:
        """Charges, moments and Born effective charges of one frame; settings as `pair_les.observables.observe` has them."""
        return observe((self.module, self.metadata), atoms, device=self.device, **settings)

    def evaluate(
        self,
        frames: Frames,
        keys: LabelKeys | None = None,
        response: ResponseKeys | None = None,
        *,
        allow_missing: bool = False,
        eps: float = 1.0,
        displacement_first: bool = True,
        say: Callable[[str], None] = lambda note: None,
    ) -> ErrorReport:
        """Errors on labeled frames, as ``pair-les evaluate`` reports them.

        Parameters
        ----------
        frames
            Frames with labels (in a calculator, info or arrays), or files, patterns and slices.
        keys
            Names of the labels of energy, forces and stress.
        response
            Names of dipoles, quadrupoles, Born effective charges and charges, which are compared where there are some.
        allow_missing
            Whether a frame may have an energy without forces, or forces without an energy.
        eps, displacement_first
            As in `compare_charges`.
        say
            Takes lines about labels that are not used and isolated atoms that are left out.

        Raises
        ------
        DataError
            With frame number, if a frame cannot be used or has an element that the model does not know.
        """
        keys, response = keys or LabelKeys(), response or ResponseKeys()
        sources = sources_of(frames)
        loaded = (self.module, self.metadata)
        comparison, read = evaluate_frames(
            loaded,
            sources,
            keys,
            self.device,
            allow_missing=allow_missing,
            also_used=used_names(response),
            say=say,
            file=self.path,
        )
        charges = compare_charges(
            loaded,
            sources,
            response,
            eps=eps,
            displacement_first=displacement_first,
            total_charge=keys.total_charge,
        )
        uncertainty = {}
        if self.metadata.uncertainty is not None:
            graphs = model_graphs(read, self.metadata, keys, self.path)
            uncertainty = uncertainty_report(comparison, deviations(*loaded, graphs, self.path))
        return ErrorReport(
            {**comparison.errors(), **agreement_errors(charges)}, comparison, read, uncertainty
        )

    def export(self, output: str | os.PathLike[str], **options: Any) -> list[Check]:
        """Write the model file of a run, for LAMMPS and ASE, and compare it with the trained network.

        Parameters
        ----------
        output
            Model file to write.
        options
            As `pair_les.export.model_export.export` has them: ``precision``, ``description``, ``file_format``, ``say`` and so on.

        Returns
        -------
        The differences, all within their limits.

        Raises
        ------
        RunError
            If the model is a file: only runs are exported.
        """
        if not self._checkpoints:
            raise RunError(
                f"{self.path}: is a model file already, only runs are exported: copy the file, or load the run folder"
            )
        from ..export.model_export import export

        return export(self._checkpoints, output, **{"say": lambda line: None, **self._options, **options})


def _is_run(path: Path) -> bool:
    return path.is_dir() or path.suffix == ".ckpt"


def sources_of(frames: Frames) -> list[Source]:
    """Sources of files, and of frames in memory, which become one list."""
    entries = [frames] if isinstance(frames, Atoms | str | os.PathLike) else list(frames)
    if any(isinstance(entry, Atoms) for entry in entries) or not entries:
        return [FrameList(atoms=entries)]  # type: ignore[arg-type]  # a path among them is an error of FrameList
    return [Source.of(entry) for entry in entries]  # type: ignore[arg-type]
