# SPDX-License-Identifier: MIT
"""The folder of a run: its files, whether a new start may use it, and which process writes to it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from ..data.frames import Frame
from ..errors import ConfigError, RunError
from ..output_files import write_file
from .checkpoints import BEST, LAST
from .config import Config
from .config_file import RECORDED, config_values, differing_keys, parse_config

MAY_CHANGE = ("training.processes", "training.nodes", "training.threads", "training.logger")
"""Keys that say how the work is done, not what is computed; a resumed run may have others."""

EPOCHS = "training.epochs"
"""Key that may grow: the run then goes on, with the schedules of the new number of epochs."""


class RunFolder:
    """Paths and state of one run.

    ``config.yaml`` every key of the configuration; ``data.json`` the data files with their checksums and the
    frames of the split; ``checkpoints/``; ``history.csv``; and, once finished, figures and ``summary.json``.

    Parameters
    ----------
    path
        The folder, created by `claimed`.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.config = self.path / RECORDED
        self.data = self.path / "data.json"
        self.checkpoints = self.path / "checkpoints"
        self.last = self.checkpoints / LAST
        self.best = self.checkpoints / BEST
        self.history = self.path / "history.csv"
        self.learning_curve = self.path / "learning_curve.png"
        self.parity = self.path / "parity.png"
        self.summary = self.path / "summary.json"
        self.html = self.path / "summary.html"
        self.log = self.path / "train.log"

    @property
    def begun(self) -> bool:
        """Whether there is something to resume; before that, configuration and data may be changed."""
        return self.last.is_file()

    @property
    def finished(self) -> bool:
        """Whether the run is finished: its summary is written last."""
        return self.summary.is_file()

    def problems(self) -> list[str]:
        """Why the model of a finished run is not usable; empty where it is, or where nothing is known about it."""
        if not self.finished:
            return []
        summary = json.loads(self.summary.read_text(encoding="utf-8"))
        return [] if summary.get("usable", True) else summary["problems"]

    @property
    def usable(self) -> bool:
        """Whether no problem of the model is known."""
        return not self.problems()

    @contextmanager
    def claimed(self, config: Config) -> Iterator[None]:
        """Create the folder and keep everybody else out of it; if a run in it has begun, make sure it is this one.

        Raises
        ------
        RunError
            If another process is writing to it, or the configuration of its run differs: the message names the key.
        """
        if self.path.exists() and not self.path.is_dir():
            raise RunError(f"output '{self.path}' is a file: give the name of a folder in output")
        self.path.mkdir(parents=True, exist_ok=True)
        with open(self.path / ".lock", "a", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise RunError(
                    f"output '{self.path}': another pair-les train is writing to it: "
                    "wait for it, or give another output"
                ) from error
            if self.begun:
                self._require_same(config_values(config))
            yield

    def extended_by(self, config: Config) -> bool:
        """Whether a configuration has more epochs than that of the run in this folder."""
        return self.begun and config.training.epochs > _at(self._values(), EPOCHS)

    def _values(self) -> dict[str, Any]:
        """Return the recorded configuration, with the defaults of keys that it does not have yet."""
        values = yaml.safe_load(self.config.read_text(encoding="utf-8"))
        try:
            return config_values(parse_config(values, str(self.config)))
        except ConfigError:  # of a version with other keys
            return values

    def _require_same(self, values: dict[str, Any]) -> None:
        old = self._values()
        changed = [key for key in differing_keys(old, values) if key not in (*MAY_CHANGE, "output")]
        if changed == [EPOCHS] and _at(values, EPOCHS) > _at(old, EPOCHS):
            return
        if changed:
            key = changed[0]
            also = f" (also {', '.join(changed[1:])})" if len(changed) > 1 else ""
            raise RunError(
                f"output '{self.path}' holds a run with {key} = {_at(old, key)!r}, "
                f"now it is {_at(values, key)!r}{also}: give another output, or set it back to resume"
            )

    def record(
        self, config: Config, files: Sequence[str], train: Sequence[Frame], valid: Sequence[Frame]
    ) -> None:
        """Write the configuration and which frames are used for what; a run that has begun must have the same files.

        Raises
        ------
        RunError
            If a data file has changed since the run began.
        """
        record: dict[str, dict[str, Any]] = {
            "files": {file: _checksum(Path(file)) for file in dict.fromkeys(files)},
            "train": _frames_by_file(train),
            "valid": _frames_by_file(valid),
        }
        if self.begun:
            old = json.loads(self.data.read_text(encoding="utf-8"))
            for file in old["files"] | record["files"]:
                if old["files"].get(file) != record["files"].get(file):
                    raise RunError(
                        f"output '{self.path}': data file '{file}' has changed since this run began: "
                        "give another output, or put the old file back to resume"
                    )
        write_file(self.data, json.dumps(record))
        write_file(self.config, yaml.safe_dump(config_values(config), sort_keys=False))


def _checksum(path: Path) -> str:
    """Of a file, or of all files of a folder with their names."""
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return hashlib.sha256("".join(f"{file} {_checksum(file)}\n" for file in files).encode()).hexdigest()


def _frames_by_file(frames: Sequence[Frame]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for frame in frames:
        found.setdefault(frame.file, []).append(frame.index)
    return found


def _at(values: dict[str, Any], key: str) -> Any:
    value: Any = values
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
