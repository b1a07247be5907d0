# SPDX-License-Identifier: MIT
"""The errors that a user can cause and repair: one line each, shown by the command line without a traceback."""

from __future__ import annotations


class UserError(ValueError):
    """Something the user gave cannot be used; the message names it, its value, the rule and what to type instead."""


class ConfigError(UserError):
    """A training configuration breaks a rule."""


class DataError(UserError):
    """A data file, or one frame of it, cannot be used; the message names the file and the frame (counted from 0)."""


class RunError(UserError):
    """A run folder, a checkpoint or an exported model cannot be used as asked."""
