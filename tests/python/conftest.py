# SPDX-License-Identifier: MIT
"""One small finished training run, shared by the tests that need a trained model."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_frames import tiny_config, write_tiny


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 48 labeled frames in train.xyz and 6 others in test.xyz."""
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
