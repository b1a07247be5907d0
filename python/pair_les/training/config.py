# SPDX-License-Identifier: MIT
"""The training configuration: what may be said, what it means, what is assumed where nothing is said."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from ..constants import COULOMB_CONSTANT
from ..data.frames import LabelKeys
from ..metadata import LongRange
from ..net import NetSettings

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Section(BaseModel):
    """A part of the configuration; keys that it does not know are errors (see `read_config`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class KeysSection(Section):
    """Names of the labels in the data files; null for `stress` and `virial`: such labels are not read."""

    energy: str = "energy"
    forces: str = "forces"
    stress: str | None = "stress"
    virial: str | None = "virial"
    total_charge: str = "total_charge"
    dipole: str = "dipole"
    bec: str = "bec"
    fragment: str = "fragment"
    fragment_charge: str = "fragment_charge"

    def labels(self) -> LabelKeys:
        """As the reader takes them."""
        return LabelKeys(self.energy, self.forces, self.stress, self.virial, self.total_charge)


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _fraction(value: Any) -> Any:
    if isinstance(value, float) and not 0 < value < 1:
        raise ValueError("must be a fraction between 0 and 1, or files")
    return value


Files = Annotated[list[str], BeforeValidator(_as_list), Field(min_length=1)]


class DataSection(Section):
    """What to learn from. `valid`: a fraction of the frames (chosen by the seed), or files of their own.

    `reference_energies`: eV per element, ``fit`` (isolated atoms, else least squares on the training frames), or null (none).
    `label_checks`: whether labels that cannot be right are an ``error``, or only a warning (``warn``). `max_neighbors`: of an
    atom on average, beyond which the cutoff is refused.
    """

    train: Files
    valid: Annotated[float | Files, AfterValidator(_fraction)] = 0.1
    keys: KeysSection = KeysSection()
    reference_energies: dict[str, float] | Literal["fit"] | None = "fit"
    label_checks: Literal["error", "warn"] = "error"
    max_neighbors: Annotated[int, Field(gt=0)] = 1000


class LongRangeSection(Section):
    """Options of the long-range energy (docs/reference/model_file.md, ``long_range``).

    With ``charge_model: equilibration`` the network gives electronegativities and hardnesses, whose energy the charges
    minimise; `neutralize` is then true, because their sum is that of the frame's total charge.
    """

    sigma: Positive = 1.0
    coulomb_constant: Positive = COULOMB_CONSTANT
    self_interaction: bool = False
    neutralize: bool = False
    charge_model: Literal["latent", "equilibration"] = "latent"

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
        """As the model file carries them."""
        return LongRange(
            self.sigma, self.coulomb_constant, self.self_interaction, self.neutralize, self.charge_model
        )


class ModelSection(Section):
    """The network (every setting of `NetSettings`) and its long-range energy (null: none, no charges)."""

    cutoff: float
    n_radial: int = 8
    l_max: int = 3
    n_channels: int = 32
    body_order: int = 5
    hidden: tuple[int, ...] = (64, 64)
    message_passing_layers: int = 0
    message_channels: int = 16
    message_l_max: int = 2
    charge_state: bool = False
    zbl: bool = False
    long_range: LongRangeSection | None = LongRangeSection()

    def net_settings(self) -> NetSettings:
        """As the network takes them."""
        return NetSettings(**{field.name: getattr(self, field.name) for field in fields(NetSettings)})

    @model_validator(mode="after")
    def _valid_for_the_network(self) -> ModelSection:
        self.net_settings()  # raises ValueError with a message of its own
        return self


class LossSection(Section):
    """Weights of the mean squared errors: energy in (eV/atom)^2, forces in (eV/A)^2, stress in (eV/A^3)^2."""

    energy: NonNegative = 1.0
    forces: NonNegative = 1.0
    stress: NonNegative = 100.0


class ChargeLossSection(Section):
    """Weights of what charges are asked for beside energies and forces; 0: not asked.

    neutrality
        Square of the difference between the sum of the charges of a frame and its total charge, 1/e^2.
    fragments
        The same of parts of a frame whose charges are known, such as molecules far from each other, 1/e^2.
    conservation
        Mean square of the derivative of the sum of charges by a coordinate, (e/A)^-2: the charge that comes from nowhere when an
        atom moves, and feels the potential of all others.
    dipole, bec
        Mean squared errors of dipoles of isolated frames, 1/(e A)^2, and of Born effective charges, 1/e^2.
    eps
        Electronic permittivity: labels are compared with ``sqrt(eps)`` times latent quantities.
    born_order
        Slow index of the nine numbers of a labelled Born effective charge.
    """

    neutrality: NonNegative = 0.0
    fragments: NonNegative = 0.0
    conservation: NonNegative = 0.0
    dipole: NonNegative = 0.0
    bec: NonNegative = 0.0
    eps: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1.0
    born_order: Literal["displacement", "polarisation"] = "displacement"

    def asked(self) -> bool:
        """Whether any weight is above 0."""
        return max(self.neutrality, self.fragments, self.conservation, self.dipole, self.bec) > 0.0


class FinalStageSection(Section):
    """Other weights for the last part of the epochs, from `start` (a fraction): energies after forces.

    With `ramp` the weights change by a constant factor per epoch and are those given here at the end.
    """

    start: Annotated[float, Field(gt=0, lt=1)] = 0.75
    ramp: bool = False
    loss: LossSection = LossSection(energy=100.0)


class EarlyStoppingSection(Section):
    """Stop when the validation score has not improved for `patience` epochs."""

    patience: Annotated[int, Field(gt=0)] = 50


class TrainingSection(Section):
    """How to train.

    epochs, batch_size, seed
        Frames per optimizer step are counted over all processes.
    initial_charges, charge_hold
        Charge of each element at the start, e: ``fit`` (linear least squares on the training frames), given by element,
        or null (random weights). They stay as they are for this fraction of the epochs, while the short-range part learns
        what they leave over; then they are trained like everything else.
    optimizer, learning_rate, weight_decay, beta2, schedule, warmup_epochs
        ``adamw`` or ``soap`` (see `new_optimizer`), whose squared gradients are averaged with `beta2`; ``cosine`` to 1 % of the rate, ``plateau`` (halved
        after `plateau_patience` epochs without progress) or ``constant``.
    readout_weight_decay
        The same for the weights of the readout; null: as `weight_decay`.
    gradient_clip
        Largest norm of the gradient; null: none.
    ema
        Decay per step of the averaged weights that are validated and exported; null: none.
    loss, final_stage
        Weights; `final_stage` (null: none) changes them for the last part, at once or gradually: see docs/guide/train.md.
    charge_loss
        Weights of further terms about charges (see `ChargeLossSection`); they are not part of the validation score.
    early_stopping
        null: none.
    precision
        float32 or float64.
    device
        cpu, cuda, or auto (cuda where there is one).
    processes, threads
        Processes on this machine (data parallel) and torch threads of each (null: the cores, shared out).
        These two may change when a run is resumed.
    checkpoint_seconds
        A checkpoint is also written within an epoch when this much time has passed.
    """

    epochs: Annotated[int, Field(gt=0)] = 200
    batch_size: Annotated[int, Field(gt=0)] = 4
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    initial_charges: dict[str, float] | Literal["fit"] | None = "fit"
    charge_hold: Annotated[float, Field(ge=0, lt=1)] = 0.1
    optimizer: Literal["adamw", "soap"] = "adamw"
    learning_rate: Positive = 2e-3
    weight_decay: NonNegative = 0.0
    readout_weight_decay: NonNegative | None = None
    beta2: Annotated[float, Field(gt=0, lt=1)] = 0.999
    schedule: Literal["cosine", "plateau", "constant"] = "cosine"
    warmup_epochs: NonNegative = 1.0
    plateau_patience: Annotated[int, Field(gt=0)] = 10
    gradient_clip: Positive | None = 1.0
    ema: Annotated[float, Field(gt=0, lt=1)] | None = 0.999
    loss: LossSection = LossSection()
    charge_loss: ChargeLossSection = ChargeLossSection()
    final_stage: FinalStageSection | None = None
    early_stopping: EarlyStoppingSection | None = None
    precision: Literal["float32", "float64"] = "float32"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    processes: Annotated[int, Field(gt=0)] = 1
    threads: Annotated[int, Field(gt=0)] | None = None
    checkpoint_seconds: Positive = 60.0

    @model_validator(mode="after")
    def _consistent(self) -> TrainingSection:
        if self.batch_size % self.processes:
            raise ValueError(
                f"batch_size = {self.batch_size} is not a multiple of processes = {self.processes}: "
                f"use for example batch_size {-(-self.batch_size // self.processes) * self.processes}"
            )
        return self


class Config(Section):
    """A whole training run; `output` is its folder."""

    data: DataSection
    model: ModelSection
    training: TrainingSection = TrainingSection()
    output: Annotated[str, Field(min_length=1)]
