# SPDX-License-Identifier: MIT
"""``pair-les export``: checkpoints become a model file, which is compared with what was trained."""

from .model_export import TOLERANCES, compare_with_trained, export, script_network

__all__ = ["TOLERANCES", "compare_with_trained", "export", "script_network"]
