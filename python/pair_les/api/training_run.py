# SPDX-License-Identifier: MIT
"""Training from Python, on files or frames in memory, and the run that results."""

from __future__ import annotations

import copy
import csv
import json
import math
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from ase import Atoms

import __main__

from ..data.files.write_frames import frames_text
from ..errors import ConfigError, RunError
from ..output_files import write_file
from ..training.config import Config
from ..training.config_file import complete_config, config_values, read_config, read_values
from ..training.run import train as train_config
from ..training.run_folder import RunFolder
from .error_report import rows_of_table
from .model import Model

FRAMES, VALIDATION = "frames.extxyz", "validation.extxyz"
"""Files in a run folder with the frames that were given in memory."""


_SHARED_RUN = "PAIR_LES_SHARED_RUN"
"""Environment variable by which further processes know the run that they take part in."""


class TrainingRun:
    """A run folder: its configuration, history, errors and model.

    The tables are lists of rows with the same keys, as ``pandas.DataFrame`` takes them; energies are in meV/atom, forces in
    meV/angstrom, stresses in meV/angstrom^3.

    Parameters
    ----------
    folder
        Of a run that has finished at least one epoch.

    Raises
    ------
    RunError
        If there is no run in the folder.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._files = RunFolder(folder)
        self.folder = self._files.path
        if not self._files.history.is_file():
            raise RunError(
                f"{self.folder}: no run in this folder has finished an epoch: give the output folder of pair-les train"
            )

    def __repr__(self) -> str:
        if not self.finished:
            return f"<TrainingRun {self.folder}: {len(self.history)} epochs, not finished>"
        errors = ", ".join(
            f"{name} {value:.4g}" for name, value in self.errors.items() if name.endswith("rmse")
        )
        return f"<TrainingRun {self.folder}: {len(self.history)} epochs, {errors}>"

    @property
    def config(self) -> Config:
        """Every key of its configuration, defaults included."""
        return read_config(self.folder)

    @property
    def history(self) -> list[dict[str, float]]:
        """One row per epoch, with the columns of ``history.csv``; NaN without labels."""
        with open(self._files.history, encoding="utf-8", newline="") as stream:
            return [{key: _number(key, text) for key, text in row.items()} for row in csv.DictReader(stream)]

    @property
    def n_train(self) -> int:
        """Number of training frames."""
        return sum(map(len, json.loads(self._files.data.read_text(encoding="utf-8"))["train"].values()))

    @property
    def finished(self) -> bool:
        """Whether all epochs are done and the summary is written."""
        return self._files.finished

    @property
    def summary(self) -> dict[str, Any]:
        """Content of ``summary.json``.

        Raises
        ------
        RunError
            If the run is not finished.
        """
        if not self.finished:
            raise RunError(
                f"{self.folder}: the run is not finished: train it with the same configuration again"
            )
        summary: dict[str, Any] = json.loads(self._files.summary.read_text(encoding="utf-8"))
        return summary

    @property
    def errors(self) -> dict[str, float]:
        """Errors of the best epoch on the validation frames, by name: ``energy_rmse``, ``forces_rmse`` and so on."""
        validation = self.summary["validation"]
        return {name: value for name, value in validation.items() if isinstance(value, int | float)}

    @property
    def by_element(self) -> list[dict[str, Any]]:
        """Rows with ``element``, ``n_atoms``, ``forces_rmse``, ``forces_mae`` of the validation frames."""
        return rows_of_table("element", self.summary["validation"].get("by_element", {}))

    @property
    def by_config_type(self) -> list[dict[str, Any]]:
        """Rows with ``config_type``, ``n_frames``, ``energy_rmse``, ``forces_rmse``; empty where no frame has a ``config_type``."""
        return rows_of_table("config_type", self.summary["validation"].get("by_config_type", {}))

    @property
    def worst_frames(self) -> list[dict[str, Any]]:
        """Rows of the validation frames with the largest errors of the forces."""
        rows: list[dict[str, Any]] = self.summary["validation"].get("worst_frames", [])
        return rows

    @property
    def usable(self) -> bool:
        """Whether the run found no problem of its model (docs/guide/train.md)."""
        return bool(self.summary.get("usable", True))

    @property
    def problems(self) -> list[str]:
        """Why the model is not usable."""
        return self._files.problems()

    @property
    def model(self) -> Model:
        """The model with the best weights; see `Model.load`."""
        return Model.load(self.folder)


def train(
    config: Config | Mapping[str, Any] | str | os.PathLike[str],
    frames: Iterable[Atoms] | None = None,
    validation: Iterable[Atoms] | None = None,
) -> TrainingRun:
    """Train a model, or resume a run: what ``pair-les train`` does, with frames in memory where there are some.

    Frames in memory are written to ``frames.extxyz`` and ``validation.extxyz`` in the run folder (eight decimals), from which the
    run is trained, resumed and reproduced like any other. Lines of progress go to stderr.

    Parameters
    ----------
    config
        Configuration as plain values, a `Config`, a YAML file or a run folder (docs/reference/configuration.md).
    frames
        Frames to learn from, instead of ``data.train``; labels are in the calculator, info or arrays of each frame, under the
        names of ``data.keys``.
    validation
        Validation frames, instead of ``data.valid``.

    Returns
    -------
    The finished run.

    Raises
    ------
    ConfigError
        If the configuration breaks a rule.
    DataError
        If a frame or a label cannot be used.
    RunError
        If the run folder has a run of another configuration or of other frames.
    Interrupted
        After a signal (ctrl-C, too), when the state is on disk: the same call resumes.

    Notes
    -----
    With ``training.processes`` above 1 the further processes start the script of the caller again; they end in this function.
    """
    if isinstance(config, str | os.PathLike):
        file, values = read_values(config)
    else:
        file = "configuration"
        values = config_values(config) if isinstance(config, Config) else copy.deepcopy(dict(config))
    given = {
        key: list(atoms) for key, atoms in (("train", frames), ("valid", validation)) if atoms is not None
    }
    _name_files(values, given, isinstance(config, Config))
    settings = complete_config(values, file) if given or file == "configuration" else read_config(config)  # type: ignore[arg-type]
    _require_script(settings)
    if os.environ.get("LOCAL_RANK", "0") != "0":
        if os.environ.get(_SHARED_RUN) != settings.output:
            return TrainingRun(settings.output)  # an earlier call of the script, which is finished
        train_config(settings)
        sys.exit(0)
    if given:
        _write_frames(settings, given)
    os.environ[_SHARED_RUN] = settings.output
    return TrainingRun(train_config(settings))


def _name_files(values: dict[str, Any], given: Mapping[str, list[Atoms]], complete: bool) -> None:
    """Let a configuration name the files of frames in memory; `complete`: it had to name some before."""
    output, data = values.get("output"), values.get("data", {})
    if not isinstance(output, str | os.PathLike) or not isinstance(data, dict):
        return  # an error of the configuration
    values["output"] = os.fspath(output)
    if not given:
        return
    values["data"] = data = {**data}
    for key, name in (("train", FRAMES), ("valid", VALIDATION)):
        if key in given:
            own = os.path.join(values["output"], name)
            if (
                key in data
                and not complete
                and data[key] not in (own, [own])
                and not isinstance(data[key], float)
            ):
                argument = "frames" if key == "train" else "validation"
                raise ConfigError(
                    f"data.{key} = {data[key]!r}: {argument} are given as well: leave one of them out"
                )
            data[key] = [own]


def _require_script(config: Config) -> None:
    """Raise `ConfigError` where further processes have no script to start with, or those of another run are in the way."""
    processes, nodes = config.training.processes, config.training.nodes
    if nodes > 1:
        raise ConfigError(
            f"training.nodes = {nodes}: a script trains on one node: use pair-les train, started once on each node"
        )
    if processes > 1 and torch.distributed.is_initialized():
        raise ConfigError(
            f"training.processes = {processes}: this script has trained a run of several processes already: use 1, a script for each "
            "run, or pair-les train"
        )
    if processes > 1 and not hasattr(__main__, "__file__"):
        raise ConfigError(
            f"training.processes = {processes}: further processes start the script of the caller, and an interactive session has "
            "none: use 1, or pair-les train"
        )


def _write_frames(config: Config, given: Mapping[str, list[Atoms]]) -> None:
    """Write frames into the run folder; those of a run that has begun must be the same."""
    folder = RunFolder(config.output)
    texts = {}
    for key, name in (("train", FRAMES), ("valid", VALIDATION)):
        if key in given:
            texts[folder.path / name] = frames_text(given[key], "frames" if key == "train" else "validation")
    with folder.claimed(config):
        for file, text in texts.items():
            known = file.read_text(encoding="utf-8") if file.is_file() else None
            if known == text:
                continue
            if folder.begun:
                raise RunError(
                    f"output '{folder.path}' holds a run on other frames: give another output, or the same frames to resume"
                )
            write_file(file, text)


def _number(key: str, text: str) -> float:
    if not text:
        return math.nan
    return int(text) if key in ("epoch", "steps") else float(text)
