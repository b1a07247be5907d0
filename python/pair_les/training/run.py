# SPDX-License-Identifier: MIT
"""``pair-les train``: from a configuration to a finished run folder, started anew or resumed."""

from __future__ import annotations

import logging
import os
import warnings
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.fabric.plugins.environments import LightningEnvironment
from lightning.pytorch.callbacks import Callback, EarlyStopping
from lightning.pytorch.loggers import Logger
from lightning.pytorch.strategies import DDPStrategy

from ..data.batches import BatchLoader
from ..data.frames import Frame
from ..data.graphs import Graph, build_graphs
from ..data.labeled_graphs import with_charge_labels
from ..errors import ConfigError, DeviceError
from ..installation.device import require_device
from ..installation.process_state import kept_for_caller
from .averaging import MovingAverage
from .charge_states import require_states, states_of
from .checkpoints import AtomicCheckpointIO, RunCheckpoint
from .config import Config
from .config_file import config_values
from .extension import extend_run
from .history import History
from .initial_network import InitialNetwork, initial_network, network_from_start
from .interruption import exit_with_parent
from .loggers import new_logger
from .module import PotentialModule
from .network import new_network
from .nodes import Nodes
from .parameter_rates import freeze_parts
from .report import write_report
from .run_folder import RunFolder
from .run_log import RunLog
from .start_model import read_start_model
from .start_report import describe_labels, describe_model
from .start_species import KnownElements, starts_from_backbone
from .terminal import Terminal
from .trained import choose_samples, read_checkpoint, saved_backbone
from .training_data import TrainingData, read_training_data, uses_total_charge


def train(config: Config) -> Path:
    """Train, or resume, or say that the run is finished.

    Returns
    -------
    The run folder.

    Raises
    ------
    UserError
        If data, configuration or folder cannot be used.
    Interrupted
        After a signal, when the state is on disk.
    """
    folder = RunFolder(config.output)
    say = RunLog(folder.log)
    nodes = Nodes(config.training.nodes)
    # Lightning starts the further processes of a node with this very command line, and sets LOCAL_RANK for them.
    if os.environ.get("LOCAL_RANK", "0") != "0":
        exit_with_parent()
        with _plain_torchscript():
            _train(config, folder, say)
    elif nodes.rank > 0:
        if nodes.wait() == "train":
            with _plain_torchscript(), kept_for_caller():
                _train(config, folder, say)
    else:
        with nodes.leading(), folder.claimed(config), _plain_torchscript(), kept_for_caller():
            _lead(config, folder, say, nodes)
    return folder.path


def _lead(config: Config, folder: RunFolder, say: RunLog, nodes: Nodes) -> None:
    """Train in the first process of all, unless the run is finished."""
    if folder.extended_by(config):
        extend_run(folder, config)
        say(f"run '{folder.path}' goes on to {config.training.epochs} epochs")
    if folder.finished:
        nodes.announce("finished")
        say(
            f"run '{folder.path}' is finished: nothing to do, see {folder.summary}"
            f"{'' if folder.usable else ': its model is not usable'}"
        )
    else:
        _train(config, folder, say, nodes)


def _plain_torchscript() -> AbstractContextManager[None]:
    """Run the TorchScript of a backbone as it is: its optimizer would compile it anew for each number of edges."""
    return torch.jit.optimized_execution(False)


def _train(config: Config, folder: RunFolder, say: RunLog, nodes: Nodes | None = None) -> None:
    """Train in one process; the first one, which is given the nodes, also reports and writes."""
    first = nodes is not None
    _require_devices(config)
    logger = new_logger(config, folder)
    _quiet()
    _set_threads(config)

    resume = read_checkpoint(folder.last) if folder.last.is_file() else None
    start, known = None, None
    if resume is None and config.training.start_from is not None and not starts_from_backbone(config):
        start = read_start_model(config.training.start_from, config)
    elif resume is None and config.model.checkpoint is not None:
        known = KnownElements(config)
    saved = None if resume is None else resume["pair_les"]
    data = read_training_data(config, start or known, saved)
    train_graphs, valid_graphs = _graphs(config, data, data.reference_energies)
    if config.model.charge_state:
        require_states(train_graphs, valid_graphs, data.valid, config.data.keys.total_charge)
    notes = [*data.notes, describe_labels(data.train)]
    if nodes is not None:
        folder.record(config, data.files, data.train, data.valid)
        nodes.announce("train")
        for note in notes:
            say(note)

    history = History(folder.history)
    if resume is not None:
        history.load_state_dict(resume["callbacks"]["History"])
        if first:
            say(f"resuming '{folder.path}': {len(history.rows)} of {config.training.epochs} epochs are done")
    if resume is None or not resume["pair_les"]["stopped"]:
        if resume is not None and "charges_fitted" in resume["pair_les"]:
            initial = _network_to_load(config, data, resume["pair_les"])
        elif start is not None:
            initial = network_from_start(
                config, start, data.origins, train_graphs, valid_graphs, data.reference_energies
            )
        else:
            initial = initial_network(
                config,
                train_graphs,
                valid_graphs,
                data.species,
                data.reference_energies,
                None if known is None else known.backbone,
            )
        if initial.reference_energies != data.reference_energies:
            train_graphs, valid_graphs = _graphs(config, data, initial.reference_energies)
        if first and resume is None:
            for line in initial.notes:
                say(line)
        freeze_parts(initial.network, config)
        notes.append(describe_model(initial.network, train_graphs, config.model.cutoff))
        if first:
            say(notes[-1])
        module = PotentialModule(
            initial.network,
            config,
            steps_per_epoch=-(-len(train_graphs) // config.training.batch_size),
            has_stress=any(bool(graph.stress.isfinite().all()) for graph in (*train_graphs, *valid_graphs)),
            charges_fitted=initial.charges_fitted,
        )
        description = {
            "config": config_values(config),
            "species": data.species,
            "reference_energies": initial.reference_energies,
            "samples": choose_samples(data.train),
            "charge_states": states_of(train_graphs) if config.model.charge_state else [],
            "charges_fitted": initial.charges_fitted,
            "origin": initial.origin,
            "backbone": None if initial.backbone is None else initial.backbone.saved(),
        }
        trainer = _trainer(config, folder, _callbacks(config, folder, history, description, say), logger)
        trainer.fit(
            module,
            datamodule=FrameData(config, train_graphs, valid_graphs),
            ckpt_path=None if resume is None else folder.last,
        )
    if first:
        for warning in write_report(folder, history.rows, train_graphs, valid_graphs, data.valid, notes):
            say(f"warning: {folder.path}: {warning}")
        if folder.usable:
            say(f"done: {folder.path}    next: pair-les export {folder.path} -o model.pt")
        else:
            say(f"done: {folder.path}    its model is not usable: see 'problems' in {folder.summary}")


def _graphs(
    config: Config, data: TrainingData, reference_energies: dict[str, float]
) -> tuple[list[Graph], list[Graph]]:
    """Training and validation frames with neighbor lists, energies without these reference energies, and labels of charges."""
    train = build_graphs(data.train, data.species, config.model.cutoff, reference_energies)
    valid = build_graphs(data.valid, data.species, config.model.cutoff, reference_energies)
    return (
        _with_charge_labels(config, data.train, train),
        _with_charge_labels(config, data.valid, valid, needed=False),
    )


def _network_to_load(config: Config, data: TrainingData, saved: dict[str, Any]) -> InitialNetwork:
    """A network that a checkpoint gives its weights."""
    backbone = saved_backbone(config, saved)
    network = new_network(
        config.model, data.species, config.training.precision, data.reference_energies, backbone=backbone
    )
    return InitialNetwork(
        network, data.reference_energies, saved["charges_fitted"], [], saved["origin"], backbone
    )


class FrameData(pl.LightningDataModule):
    """The loaders of this process."""

    def __init__(self, config: Config, train: list[Graph], valid: list[Graph]) -> None:
        super().__init__()
        self.config = config
        self.train = train
        self.valid = valid

    def train_dataloader(self) -> BatchLoader:
        """Return the training frames, shuffled anew in each epoch."""
        return self._loader(self.train, shuffle=True)

    def val_dataloader(self) -> BatchLoader:
        """Return the validation frames, always in the same order."""
        return self._loader(self.valid, shuffle=False)

    def _loader(self, graphs: list[Graph], shuffle: bool) -> BatchLoader:
        training, trainer = self.config.training, self.trainer
        assert trainer is not None  # Lightning sets it before it asks for a loader
        return BatchLoader(
            graphs,
            training.batch_size,
            shuffle=shuffle,
            seed=training.seed,
            rank=trainer.global_rank,
            processes=trainer.world_size,
        )


def _with_charge_labels(
    config: Config, frames: list[Frame], graphs: list[Graph], needed: bool = True
) -> list[Graph]:
    """Total charges where the model or the loss knows them, other labels where the loss does."""
    long_range, loss, keys = config.model.long_range, config.training.charge_loss, config.data.keys
    if long_range is None and loss.asked():
        raise ConfigError(
            "training.charge_loss needs charges: give model.long_range, or set its weights to 0"
        )
    if long_range is not None and long_range.charge_model == "equilibration" and loss.bec > 0.0:
        raise ConfigError(
            f"training.charge_loss.bec = {loss.bec:g}: Born effective charges cannot be fitted with charge_model "
            "equilibration: set it to 0"
        )
    if not uses_total_charge(config):
        return graphs
    return with_charge_labels(
        frames,
        graphs,
        keys.total_charge,
        dipole=keys.dipole if needed and loss.dipole > 0.0 else None,
        bec=keys.bec if needed and loss.bec > 0.0 else None,
        displacement_first=loss.born_order == "displacement",
        fragment=keys.fragment if needed and loss.fragments > 0.0 else None,
        fragment_charge=keys.fragment_charge,
        fixed_sum=config.model.charge_state
        or (long_range is not None and long_range.neutralize)
        or loss.neutrality > 0.0,
    )


def _callbacks(
    config: Config, folder: RunFolder, history: History, description: dict[str, Any], say: RunLog
) -> list[Callback]:
    """Return the callbacks in the order in which they must see the end of an epoch."""
    training = config.training
    found: list[Callback] = []
    if training.ema is not None:
        found.append(MovingAverage(training.ema))
    found += [history, Terminal(history, say)]
    if training.early_stopping is not None:
        patience = training.early_stopping.patience
        found.append(
            EarlyStopping("valid_score", patience=patience, mode="min", check_on_train_epoch_end=False)
        )
    found.append(RunCheckpoint(folder.checkpoints, training.checkpoint_seconds, description))
    return found


def _trainer(
    config: Config, folder: RunFolder, callbacks: list[Callback], logger: Logger | None
) -> pl.Trainer:
    training = config.training
    cuda = training.device == "cuda" or (training.device == "auto" and torch.cuda.is_available())
    strategy: DDPStrategy | str = "auto"
    if training.all_processes > 1:
        # Buffers never change while training, and validation shares may differ by a batch.
        strategy = DDPStrategy(process_group_backend="nccl" if cuda else "gloo", broadcast_buffers=False)
    return pl.Trainer(
        accelerator="gpu" if cuda else "cpu",
        devices=training.processes,
        num_nodes=training.nodes,
        strategy=strategy,
        # Always this environment: in a Slurm job of several tasks Lightning would expect a process per task.
        plugins=[AtomicCheckpointIO(), LightningEnvironment()],
        max_epochs=training.epochs,
        gradient_clip_val=training.gradient_clip,
        callbacks=callbacks,
        default_root_dir=folder.path,
        logger=logger or False,
        enable_checkpointing=True,  # by RunCheckpoint
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
    )


def _require_devices(config: Config) -> None:
    """Raise `RunError` unless there are as many devices as processes, before the data are read."""
    if config.training.device == "cuda":
        try:
            require_device(f"cuda:{config.training.processes - 1}")
        except DeviceError as error:
            raise ConfigError(
                f"training.device = cuda, training.processes = {config.training.processes}: {error}"
            ) from error


def _set_threads(config: Config) -> None:
    """Set the threads of torch as configured; else to OMP_NUM_THREADS; else share out the cores of this machine."""
    threads = config.training.threads
    if threads is None and "OMP_NUM_THREADS" not in os.environ:
        threads = max(len(os.sched_getaffinity(0)) // config.training.processes, 1)
    if threads is not None:
        torch.set_num_threads(threads)


def _quiet() -> None:
    """Silence remarks of Lightning that do not concern the user of a command line; errors still come through."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
