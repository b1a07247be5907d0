# SPDX-License-Identifier: MIT
"""The errors that a user can cause and repair, one line each, shown without a traceback."""

from __future__ import annotations

import os
import signal


class UserError(ValueError):
    """Something given cannot be used; the message has its name and value, the rule, and what to type."""


class ConfigError(UserError):
    """A training configuration breaks a rule."""


class ConversionError(UserError):
    """A model of another package cannot be converted; `pair-les convert` ends with status 1."""


class DataError(UserError):
    """A data file or a frame cannot be used; the message names the file and the frame (counted from 0)."""


class DeviceError(UserError):
    """A device of torch is not there, or is none."""


class ElectrodeError(UserError):
    """Electrodes contradict each other, the atoms, or the model."""


class GeometryError(UserError):
    """Atoms for which a model cannot be evaluated: not finite, too close, or of another periodicity."""


class RunError(UserError):
    """A run folder, a checkpoint or an exported model cannot be used as asked."""


class OutputError(OSError, UserError):
    """A file cannot be written.

    Parameters
    ----------
    file
        Named in the message.
    reason
        What the system says.
    """

    def __init__(self, file: str | os.PathLike[str], reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"{os.fspath(file)}: cannot be written: {reason}: free space or give another path; an older file of this "
            "name is unchanged"
        )


class Interrupted(Exception):
    """Training was asked to stop by a signal, and its state is on disk: not an error."""

    def __init__(self, signum: int) -> None:
        self.signum = signum
        super().__init__(f"interrupted by {signal.Signals(signum).name}")
