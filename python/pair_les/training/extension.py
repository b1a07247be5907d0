# SPDX-License-Identifier: MIT
"""More epochs for a run that has ended, or will."""

from __future__ import annotations

from .checkpoints import AtomicCheckpointIO
from .config import Config
from .config_file import config_values
from .run_folder import RunFolder
from .trained import read_checkpoint


def extend_run(folder: RunFolder, config: Config) -> None:
    """Make a run unfinished, so that it is resumed with the epochs of `config`; early stopping begins to count anew.

    Each step leaves a folder that the same command takes up again: first the run is unfinished, then its last checkpoint goes on,
    and last, by `RunFolder.record`, the folder has the new number of epochs.
    """
    folder.summary.unlink(missing_ok=True)
    state = read_checkpoint(folder.last)
    for name, callback in state["callbacks"].items():
        if name.startswith("EarlyStopping"):
            callback["wait_count"] = callback["stopped_epoch"] = 0
    state["pair_les"]["stopped"] = False
    state["pair_les"]["config"] = config_values(config)
    AtomicCheckpointIO().save_checkpoint(state, folder.last)
