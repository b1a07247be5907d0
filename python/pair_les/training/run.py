# SPDX-License-Identifier: MIT
"""``pair-les train``: from a configuration to a finished run folder, started anew or resumed."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.fabric.plugins.environments import LightningEnvironment
from lightning.pytorch.callbacks import Callback, EarlyStopping
from lightning.pytorch.strategies import DDPStrategy

from ..data.batches import BatchLoader
from ..data.frames import Frame
from ..data.graphs import Graph, build_graphs
from ..data.labeled_graphs import with_charge_labels
from ..errors import ConfigError, DeviceError
from ..installation.device import require_device
from ..long_range.equilibration import with_fixed_sum
from .averaging import MovingAverage
from .charge_states import require_states, states_of
from .checkpoints import AtomicCheckpointIO, RunCheckpoint
from .config import Config
from .config_file import config_values
from .history import History, Terminal
from .initial_charges import NEGLIGIBLE_CHARGE, fit_initial_charges, largest_imbalance, mean_potentials
from .initial_energies import start_from_mean_energies
from .interruption import exit_with_parent
from .module import PotentialModule
from .network import data_scales, fit_statistics, new_network
from .report import write_report
from .run_folder import RunFolder
from .trained import choose_samples, read_checkpoint
from .training_data import read_training_data, uses_total_charge


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
    # Lightning starts the further processes with this very command line, and sets LOCAL_RANK for them.
    first = os.environ.get("LOCAL_RANK", "0") == "0"
    if not first:
        exit_with_parent()
        _train(config, folder, first)
        return folder.path
    with folder.claimed(config):
        if folder.finished:
            _report(
                f"run '{folder.path}' is finished: nothing to do, see {folder.summary}"
                f"{'' if folder.usable else ': its model is not usable'}"
            )
        else:
            _train(config, folder, first)
    return folder.path


def _train(config: Config, folder: RunFolder, first: bool) -> None:
    """Train in one process; the first one also reports and writes."""
    _require_devices(config)
    _quiet()
    _set_threads(config)

    data = read_training_data(config)
    train_frames, valid_frames, species = data.train, data.valid, data.species
    reference_energies = data.reference_energies
    cutoff = config.model.cutoff
    train_graphs = build_graphs(train_frames, species, cutoff, reference_energies)
    valid_graphs = build_graphs(valid_frames, species, cutoff, reference_energies)
    train_graphs = _with_charge_labels(config, train_frames, train_graphs)
    valid_graphs = _with_charge_labels(config, valid_frames, valid_graphs, needed=False)
    if config.model.charge_state:
        require_states(train_graphs, valid_graphs, valid_frames, config.data.keys.total_charge)
    if first:
        folder.record(config, data.files, train_frames, valid_frames)
        for note in data.notes:
            _report(note)

    history = History(folder.history)
    resume = read_checkpoint(folder.last) if folder.last.is_file() else None
    if resume is not None:
        history.load_state_dict(resume["callbacks"]["History"])
        if first:
            _report(
                f"resuming '{folder.path}': {len(history.rows)} of {config.training.epochs} epochs are done"
            )
    if resume is None or not resume["pair_les"]["stopped"]:
        module = _module(config, train_graphs, valid_graphs, species, reference_energies)
        if first and resume is None:
            for line in _charge_notes(config, module, train_graphs):
                _report(line)
        description = {
            "config": config_values(config),
            "species": species,
            "reference_energies": reference_energies,
            "samples": choose_samples(train_frames),
            "charge_states": states_of(train_graphs) if config.model.charge_state else [],
        }
        callbacks = _callbacks(config, folder, history, description)
        trainer = _trainer(config, folder, callbacks)
        trainer.fit(
            module,
            datamodule=FrameData(config, train_graphs, valid_graphs),
            ckpt_path=None if resume is None else folder.last,
        )
    if first:
        for warning in write_report(folder, history.rows, train_graphs, valid_graphs):
            _report(f"warning: {folder.path}: {warning}")
        if folder.usable:
            _report(f"done: {folder.path}    next: pair-les export {folder.path} -o model.pt")
        else:
            _report(f"done: {folder.path}    its model is not usable: see 'problems' in {folder.summary}")


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


def _module(
    config: Config,
    train: list[Graph],
    valid: list[Graph],
    species: list[str],
    reference_energies: dict[str, float],
) -> PotentialModule:
    """The initial network, the same in every process, normalized to the training frames."""
    training = config.training
    torch.manual_seed(training.seed)
    energy_scale, average_neighbors = data_scales(train)
    network = new_network(
        config.model, species, training.precision, reference_energies, energy_scale, average_neighbors
    )
    fit_statistics(network, train, training.seed, training.precision)
    start_from_mean_energies(network, train)
    if config.model.charge_state:
        network.state_unit.fill_(max(abs(charge) / n_atoms for charge, n_atoms in states_of(train)))
    charges = _initial_charges(config, train, species)
    if charges is not None:
        network.start_from_charges(charges, _average_potentials(config, train, species, charges))
    steps_per_epoch = -(-len(train) // training.batch_size)
    has_stress = any(bool(graph.stress.isfinite().all()) for graph in (*train, *valid))
    return PotentialModule(network, config, steps_per_epoch, has_stress, charges is not None)


def _initial_charges(config: Config, train: list[Graph], species: list[str]) -> dict[str, float] | None:
    """Return fitted or given charges; None where the network starts with the charges of its random weights."""
    model, given = config.model, config.training.initial_charges
    if model.long_range is None or given is None:
        return None
    if given == "fit":
        return fit_initial_charges(
            train, species, model.cutoff, model.long_range.settings(), config.training.seed
        )
    if set(given) != set(species):
        raise ConfigError(
            f"training.initial_charges names {' '.join(given) or 'nothing'}, the training frames have "
            f"{' '.join(species)}: give one charge for each of these, or use 'fit'"
        )
    return given


def _charge_notes(config: Config, module: PotentialModule, train: list[Graph]) -> list[str]:
    """Return the lines about initial charges for the user."""
    network, asked = module.network, config.training.initial_charges
    if not network.has_charge:
        return []
    if not module.charges_fitted:
        if asked is None or network.n_species == 1:
            return []
        return [
            "initial charges: none that add up to the total charge of each frame explain the forces, weights are random: "
            "a metal needs none (model.long_range: null), ions are given with training.initial_charges"
        ]
    name = "electronegativities (eV/e)" if network.equilibrates else "charges (e)"
    values = zip(network.species, network.initial_charges(), strict=True)
    lines = [f"initial {name}: " + ", ".join(f"{symbol} {value:+.4f}" for symbol, value in values)]
    long_range = config.model.long_range
    if not network.equilibrates and long_range is not None and not long_range.neutralize:
        charges = dict(zip(network.species, network.initial_charges(), strict=True))
        total, label, n_atoms = largest_imbalance(train, network.species, charges)
        if abs(total - label) > NEGLIGIBLE_CHARGE * n_atoms:
            lines.append(
                f"warning: initial charges add up to {total:+.2f} e in a frame of {n_atoms} atoms whose total charge is {label:g} e: "
                "give training.initial_charges that add up, or model.long_range.neutralize: true"
            )
    return lines


def _average_potentials(
    config: Config, train: list[Graph], species: list[str], charges: dict[str, float]
) -> dict[str, float] | None:
    """Return the mean potentials that electronegativities must balance, so that they lead to these charges."""
    assert config.model.long_range is not None  # there are charges
    settings = config.model.long_range.settings()
    if not settings.equilibrates:
        return None
    return mean_potentials(train, species, charges, with_fixed_sum(settings), config.training.seed)


def _callbacks(
    config: Config, folder: RunFolder, history: History, description: dict[str, Any]
) -> list[Callback]:
    """Return the callbacks in the order in which they must see the end of an epoch."""
    training = config.training
    found: list[Callback] = []
    if training.ema is not None:
        found.append(MovingAverage(training.ema))
    found += [history, Terminal(history)]
    if training.early_stopping is not None:
        patience = training.early_stopping.patience
        found.append(
            EarlyStopping("valid_score", patience=patience, mode="min", check_on_train_epoch_end=False)
        )
    found.append(RunCheckpoint(folder.checkpoints, training.checkpoint_seconds, description))
    return found


def _trainer(config: Config, folder: RunFolder, callbacks: list[Callback]) -> pl.Trainer:
    training = config.training
    cuda = training.device == "cuda" or (training.device == "auto" and torch.cuda.is_available())
    strategy: DDPStrategy | str = "auto"
    if training.processes > 1:
        # Buffers never change while training, and validation shares may differ by a batch.
        strategy = DDPStrategy(process_group_backend="nccl" if cuda else "gloo", broadcast_buffers=False)
    return pl.Trainer(
        accelerator="gpu" if cuda else "cpu",
        devices=training.processes,
        strategy=strategy,
        # Always this environment: in a SLURM job of several tasks Lightning would expect a process per task.
        plugins=[AtomicCheckpointIO(), LightningEnvironment()],
        max_epochs=training.epochs,
        gradient_clip_val=training.gradient_clip,
        callbacks=callbacks,
        default_root_dir=folder.path,
        logger=False,
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


def _report(text: str) -> None:
    """Print a line of progress to stderr; stdout is for results."""
    print(text, file=sys.stderr, flush=True)
