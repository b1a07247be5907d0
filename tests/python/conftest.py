# SPDX-License-Identifier: MIT
"""One small finished training run, shared by the tests that need a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny_frames import write_tiny


def tiny_config(folder: Path, **training: Any) -> dict[str, Any]:
    """Plain values of a configuration that trains in seconds on the frames of `folder`."""
    settings = {"epochs": 3, "batch_size": 4, "seed": 1, "learning_rate": 0.01, "threads": 1, "device": "cpu"}
    return {
        "data": {"train": [str(folder / "train.xyz")], "valid": 0.25},
        "model": {"cutoff": 4.0, "n_radial": 6, "l_max": 1, "n_channels": 6, "body_order": 3, "hidden": [8]},
        "training": {**settings, **training},
        "output": str(folder / "run"),
    }


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 48 labelled frames in train.xyz and 6 others in test.xyz."""
    folder = tmp_path_factory.mktemp("tiny")
    write_tiny(folder / "train.xyz", 48)
    write_tiny(folder / "test.xyz", 6, seed=1)
    return folder


@pytest.fixture(scope="session")
def tiny_run(tiny_folder: Path) -> Path:
    """The run folder of three finished epochs."""
    from pair_les.training.config_file import parse_config
    from pair_les.training.run import train

    return train(parse_config(tiny_config(tiny_folder), "tiny"))
