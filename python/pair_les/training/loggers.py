# SPDX-License-Identifier: MIT
"""Loggers of Lightning that a run sends the numbers of its history to (`training.logger`)."""

from __future__ import annotations

import os

from lightning.pytorch.loggers import Logger, TensorBoardLogger, WandbLogger

from ..errors import ConfigError
from .config import Config
from .config_file import config_values
from .run_folder import RunFolder

WANDB_PROJECT = "pair_les"


def new_logger(config: Config, folder: RunFolder) -> Logger | None:
    """The logger of a run; None for `csv`, which is the history itself.

    Raises
    ------
    ConfigError
        If its package is not installed.
    """
    name = config.training.logger
    logger: Logger
    try:
        if name == "tensorboard":
            logger = TensorBoardLogger(save_dir=folder.path, name="", version="tensorboard")
        elif name == "wandb":
            logger = WandbLogger(
                name=folder.path.name,
                save_dir=folder.path,
                project=os.environ.get("WANDB_PROJECT", WANDB_PROJECT),
                config=config_values(config),
            )
        else:
            return None
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"training.logger = {name}: the package '{name}' is not installed: type 'pip install {name}', or use csv"
        ) from error
    return logger
