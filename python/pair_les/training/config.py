# SPDX-License-Identifier: MIT
"""The training configuration: its keys, their types, defaults and meanings.

The string below a field is its description in docs/reference/configuration.md, which ``python docs/generate.py`` writes.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ..constants import COULOMB_CONSTANT
from ..model_file.metadata import LongRange
from ..net import NetSettings
from ..net.parts import Part
from .config_backbone import complete_backbone, require_consistent_backbone
from .config_loss import ChargeLossSection, FinalStageSection, LossSection
from .config_section import NonNegative, Positive, Section
from .config_start import StartSection
from .data_config import DataSection


class LongRangeSection(Section):
    """The long-range energy of the charges."""

    sigma: Positive = 1.0
    """Width of the Gaussian charges, angstrom."""

    coulomb_constant: Positive = COULOMB_CONSTANT
    """Coulomb constant, eV angstrom / e^2."""

    self_interaction: bool = False
    """Whether the energy contains the interaction of each Gaussian with itself."""

    neutralize: bool = False
    """Whether the charges of each frame are shifted alike so that they add up to its total charge."""

    charge_model: Literal["latent", "equilibration"] = "latent"
    """`latent`: the network predicts charges. `equilibration`: it predicts electronegativities and hardnesses, and the charges
    minimize the energy; `neutralize` is then true."""

    @model_validator(mode="before")
    @classmethod
    def _sum_is_fixed(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("charge_model") == "equilibration":
            return {"neutralize": True, **values}
        return values

    @model_validator(mode="after")
    def _valid_for_the_contract(self) -> LongRangeSection:
        self.settings()  # raises ValueError with a message of its own
        return self

    def settings(self) -> LongRange:
        """Return the settings as the model file carries them."""
        return LongRange(
            self.sigma, self.coulomb_constant, self.self_interaction, self.neutralize, self.charge_model
        )


OWN_KEYS = (
    "n_radial",
    "l_max",
    "n_channels",
    "body_order",
    "message_passing_layers",
    "message_channels",
    "message_l_max",
)
"""Keys of the section `model` that describe the networks of pair_les."""


class ModelSection(Section):
    """The network."""

    cutoff: float
    """Cutoff of the network, angstrom. A backbone with a checkpoint has its own, and the key may be left out."""

    backbone: str | None = None
    """Network of another package, whose features the charges are learned from: `mace`, `sevenn`,
    `converted` (a file of `pair-les convert`), or a class as `package.module:Class`. null: the network of pair_les, which the
    keys from `n_radial` to `message_l_max` describe."""

    checkpoint: str | None = None
    """File with a trained backbone. A whole pickled model runs as a program when it is loaded. null: a new one."""

    options: dict[str, Any] = {}
    """Arguments of a new backbone; `head` of a trained one."""

    freeze: Literal["none", "embedding", "all"] = "none"
    """What of the backbone is not trained: parameters whose name contains `embedding`, or all."""

    learning_rate_factor: Positive | None = None
    """Factor on the learning rate of the backbone. null: 0.1 with a checkpoint, else 1."""

    n_radial: int = 8
    """Radial functions per neighbor element, 2 to 64."""

    l_max: int = 3
    """Highest degree of the spherical harmonics, 1 to 3."""

    n_channels: int = 32
    """Learned combinations of element and radial function per center element and degree, 1 to 512."""

    body_order: int = 5
    """3, 4 or 5: products of up to 2, 3 or 4 densities around an atom."""

    hidden: tuple[int, ...] = (64, 64)
    """Widths of the hidden layers of the per-atom network, which a backbone has for its charges."""

    message_passing_layers: int = 0
    """0: strictly local. 1: neighbors describe their own surroundings to an atom; needs `body_order: 5`."""

    message_channels: int = 16
    """Functions on the sphere that an atom sends to its neighbors, 1 to 512; with message passing only."""

    message_l_max: int = 2
    """Highest degree of these functions, 1 to `l_max`; with message passing only."""

    charge_state: bool = False
    """Whether the total charge per atom of a frame is an input of the network; `pair-les export --charge Q` then writes a model
    of one charge state."""

    zbl: bool = False
    """Whether the screened nuclear repulsion of Ziegler, Biersack and Littmark (1985) is added between atoms closer than the sum
    of their covalent radii."""

    long_range: LongRangeSection | None = LongRangeSection()
    """The long-range energy. null: no charges."""

    def net_settings(self) -> NetSettings:
        """Return the settings as the network takes them."""
        return NetSettings(**{field.name: getattr(self, field.name) for field in fields(NetSettings)})

    @model_validator(mode="before")
    @classmethod
    def _as_in_the_checkpoint(cls, values: Any) -> Any:
        return complete_backbone(values) if isinstance(values, dict) else values

    @model_validator(mode="after")
    def _valid_for_the_network(self) -> ModelSection:
        require_consistent_backbone(self, OWN_KEYS)
        self.net_settings()  # raises ValueError with a message of its own
        return self


class EarlyStoppingSection(Section):
    """The end of a run that makes no progress."""

    patience: Annotated[int, Field(gt=0)] = 50
    """Epochs without a better validation score after which the run ends."""


class TrainingSection(Section):
    """The optimization."""

    epochs: Annotated[int, Field(gt=0)] = 200
    """Passes through the training frames."""

    batch_size: Annotated[int, Field(gt=0)] = 4
    """Frames per optimizer step, over all processes."""

    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Seed of the split, the weights and the order of the frames."""

    start_from: str | None = None
    """Run folder, checkpoint or file of `pair-les export` whose weights, normalization and reference energies the run starts
    with. The section `model` then may leave out what is as in that model. null: random weights."""

    start: StartSection = StartSection()

    freeze: list[Part] = []
    """Parts of the network that are not trained."""

    learning_rate_factors: dict[Part, Positive] = {}
    """Factor on the learning rate of a part of the network."""

    initial_charges: dict[str, float] | Literal["fit"] | None = "fit"
    """Charge of each element at the start, e, such as `{Na: 0.9, Cl: -0.9}`. `fit`: linear least squares on the training frames.
    null: random weights."""

    charge_hold: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Fraction of the epochs in which the initial charges are held constant."""

    optimizer: Literal["adamw", "soap"] = "adamw"
    """`soap`: Adam in the eigenbasis of Shampoo's preconditioner."""

    learning_rate: Positive = 2e-3
    """Learning rate after the warm-up."""

    weight_decay: NonNegative = 0.0
    """Decoupled decay of weights; biases do not decay."""

    readout_weight_decay: NonNegative | None = None
    """Decay of the weights of the readout. null: as `weight_decay`."""

    beta2: Annotated[float, Field(gt=0, lt=1)] = 0.999
    """Decay of the averaged squared gradients."""

    schedule: Literal["cosine", "plateau", "constant"] = "cosine"
    """`cosine`: to 1 % of the learning rate. `plateau`: halved after `plateau_patience` epochs without progress."""

    warmup_epochs: NonNegative = 1.0
    """Epochs in which the learning rate grows linearly."""

    plateau_patience: Annotated[int, Field(gt=0)] = 10
    """Epochs without progress of the schedule `plateau`."""

    gradient_clip: Positive | None = 1.0
    """Largest norm of the gradient. null: unlimited."""

    ema: Annotated[float, Field(gt=0, lt=1)] | None = 0.999
    """Decay per step of the averaged weights, which are validated and exported. null: no average."""

    loss: LossSection = LossSection()
    charge_loss: ChargeLossSection = ChargeLossSection()

    final_stage: FinalStageSection | None = None
    """Other weights of the loss for the last part of the run; `{}` has the defaults below. null: the same weights throughout."""

    early_stopping: EarlyStoppingSection | None = None
    """The end of a run that makes no progress; `{}` has the default below. null: all epochs."""

    precision: Literal["float32", "float64"] = "float32"
    """Precision of the network."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`auto`: `cuda` where it is available."""

    processes: Annotated[int, Field(gt=0)] = 1
    """Data-parallel processes on each node. May change when a run is resumed."""

    nodes: Annotated[int, Field(gt=0)] = 1
    """Nodes, on each of which the command is started once (``srun --ntasks-per-node=1``). `nodes` times `processes` is a divisor
    of `batch_size`. May change when a run is resumed."""

    threads: Annotated[int, Field(gt=0)] | None = None
    """Torch threads of each process. null: OMP_NUM_THREADS, else the cores divided by the processes. May change when a run is
    resumed."""

    checkpoint_seconds: Positive = 60.0
    """Age of the last checkpoint beyond which another is written within an epoch."""

    logger: Literal["csv", "tensorboard", "wandb"] = "csv"
    """Where the numbers of `history.csv` are sent as well: `tensorboard`, into the run folder; `wandb`, Weights & Biases, to the
    project pair_les or that of WANDB_PROJECT. May change when a run is resumed."""

    @property
    def all_processes(self) -> int:
        """Data-parallel processes on all nodes."""
        return self.nodes * self.processes

    @model_validator(mode="after")
    def _consistent(self) -> TrainingSection:
        if self.batch_size % self.all_processes:
            nodes = f"nodes * processes = {self.nodes} * {self.processes}"
            raise ValueError(
                f"batch_size = {self.batch_size} is not a multiple of "
                f"{nodes if self.nodes > 1 else f'processes = {self.processes}'}: "
                f"use for example batch_size {-(-self.batch_size // self.all_processes) * self.all_processes}"
            )
        return self


class Config(Section):
    """A training run."""

    data: DataSection
    model: ModelSection
    training: TrainingSection = TrainingSection()

    output: Annotated[str, Field(min_length=1)]
    """The run folder."""
