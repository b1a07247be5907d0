# SPDX-License-Identifier: MIT
"""Short-range networks with latent charges, from DFT data to LAMMPS with its own kspace.

Importing the package is cheap (no torch, no LAMMPS): the names below are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pair_les._imports import install_moved_modules, lazy_names
from pair_les.version import __version__

if TYPE_CHECKING:
    from pair_les.api.calculator import LESCalculator
    from pair_les.api.error_report import ErrorReport
    from pair_les.api.learning_curve import learning_curve
    from pair_les.api.model import Model
    from pair_les.api.training_run import TrainingRun, train
    from pair_les.data.neighbors import neighbor_list
    from pair_les.long_range.electrodes import Electrode
    from pair_les.long_range.energy import long_range_energy
    from pair_les.model_file import ContractError, LongRange, Metadata, load_model, save_model, save_package

__all__ = [
    "ContractError",
    "Electrode",
    "ErrorReport",
    "LESCalculator",
    "LongRange",
    "Metadata",
    "Model",
    "TrainingRun",
    "__version__",
    "learning_curve",
    "load_model",
    "long_range_energy",
    "neighbor_list",
    "save_model",
    "save_package",
    "train",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Electrode": "long_range.electrodes",
        "ErrorReport": "api.error_report",
        "LESCalculator": "api.calculator",
        "Model": "api.model",
        "learning_curve": "api.learning_curve",
        **dict.fromkeys(("TrainingRun", "train"), "api.training_run"),
        "long_range_energy": "long_range.energy",
        "neighbor_list": "data.neighbors",
        **dict.fromkeys(("ContractError", "LongRange", "Metadata"), "model_file.metadata"),
        **dict.fromkeys(("load_model", "save_model", "save_package"), "model_file.archive"),
    },
)
install_moved_modules()
