# SPDX-License-Identifier: MIT
"""Evaluation of networks and model files: one configuration, batches of frames, ASE, and errors against labels."""

from .configuration import Evaluation, evaluate
from .model_network import checked_forward, species_indices

__all__ = ["Evaluation", "checked_forward", "evaluate", "species_indices"]
