# SPDX-License-Identifier: MIT
"""``pair-les export``: checkpoints become a model file, which is compared with what was trained."""

from .exporting import TOLERANCES, compare_with_trained, export, scripts

__all__ = ["TOLERANCES", "compare_with_trained", "export", "scripts"]
