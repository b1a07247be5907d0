# SPDX-License-Identifier: MIT
"""The Lightning module: losses, optimizer, schedules, and the errors of each epoch."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR

from ..data.batches import Batch
from ..evaluation.prediction import predict
from ..net import ContractNet
from .charge_losses import charge_squares
from .config import Config
from .config_loss import LossSection
from .network import DTYPES
from .optimizers import new_optimizer
from .parameter_rates import rate_factors
from .schedule import Plateau, rate_factor, weights_of_epoch, weights_of_score
from .squared_errors import ErrorSums, over_processes, rmse, squared_errors, weighted_loss


class PotentialModule(pl.LightningModule):
    """A network with its long-range energy, trained on labels without reference energies.

    Parameters
    ----------
    network
        Initialized and normalized.
    config
        The whole configuration.
    steps_per_epoch
        Optimizer steps, for the schedule.
    has_stress
        Whether any frame has a stress label: the strain derivative is only taken then.
    charges_fitted
        Whether the network starts with charges that are worth holding (`training.charge_hold`).
    """

    def __init__(
        self,
        network: ContractNet,
        config: Config,
        steps_per_epoch: int,
        has_stress: bool,
        charges_fitted: bool = False,
    ) -> None:
        super().__init__()
        self.network = network
        self.config = config
        self.steps_per_epoch = steps_per_epoch
        self.has_stress = has_stress
        self.charges_fitted = charges_fitted
        long_range = config.model.long_range
        self.long_range = None if long_range is None else long_range.settings()
        self.dtype_of_network = DTYPES[config.training.precision]
        self.train_errors = ErrorSums()
        self.valid_errors = ErrorSums()
        self.score_errors = ErrorSums()  # with the weights of frames
        self.epoch_errors: dict[str, dict[str, float | None]] = {}
        self.plateau = Plateau()
        self.loss = 0.0  # of the last step

    # ----------------------------------------------------------------------------------------------- losses

    def loss_weights(self, epoch: int) -> LossSection:
        """Return the weights of the loss in an epoch (counted from 0)."""
        return weights_of_epoch(epoch, self.config.training)

    def score_weights(self) -> LossSection:
        """Return the weights of the validation score (`weights_of_score`)."""
        return weights_of_score(self.config.training)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the loss of one batch."""
        prediction = predict(
            self.network.interaction,
            self.long_range,
            batch,
            self.dtype_of_network,
            stress=self.has_stress,
            training=True,
            condition_on_charge=self.config.model.charge_state,
        )
        sums, counts = squared_errors(prediction, batch)
        # Means are over the batch of all processes, whatever the sizes of their shares: DDP averages gradients.
        total, world_size = over_processes(counts), self.trainer.world_size
        of_loss = sums if batch.weight is None else squared_errors(prediction, batch, weighted=True)[0]
        loss = weighted_loss(world_size * of_loss, total, self.loss_weights(self.current_epoch))
        if self.config.training.charge_loss.asked():
            charge_from_output, n_charges = charge_squares(
                prediction, batch, self.config.training.charge_loss
            )
            loss = loss + (world_size * charge_from_output / over_processes(n_charges).clamp(min=1.0)).sum()
        self.loss = float(loss.detach())
        self.train_errors.add(sums, counts)
        return loss

    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """Gradients of the weights alone: those of positions, which forces are made of, would be computed and thrown away."""
        loss.backward(inputs=[parameter for parameter in self.parameters() if parameter.requires_grad])

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Hold fitted charges fixed until the short-range part has learned the remaining forces.

        They are put back after the step rather than kept from it by zero gradients: Adam would then know no size of their
        gradients when they are released, and its first steps would throw them away.
        """
        training = self.config.training
        if not self.charges_fitted or self.current_epoch >= training.charge_hold * training.epochs:
            super().optimizer_step(*args, **kwargs)
            return
        held = self.network.charge_output()
        super().optimizer_step(*args, **kwargs)
        self.network.restore_charge_output(held)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Add the errors of one batch, with the averaged weights where there are some."""
        prediction = predict(
            self.network.interaction,
            self.long_range,
            batch,
            self.dtype_of_network,
            stress=self.has_stress,
            condition_on_charge=self.config.model.charge_state,
        )
        self.valid_errors.add(*squared_errors(prediction, batch))
        self.score_errors.add(*squared_errors(prediction, batch, weighted=True))

    # ----------------------------------------------------------------------------------------------- epochs

    def on_train_epoch_start(self) -> None:
        """Reset the sums of errors at the start of a new epoch (not of the rest of an interrupted one)."""
        self.train_errors.reset()

    def on_validation_epoch_start(self) -> None:
        """Reset the sums of errors."""
        self.valid_errors.reset()
        self.score_errors.reset()

    def on_validation_epoch_end(self) -> None:
        """Compute the errors of the epoch, and the score that checkpoints, early stopping and the schedule use."""
        valid = self.valid_errors.over_processes(self.device)
        of_score = self.score_errors.over_processes(self.device)
        self.epoch_errors = {
            "train": rmse(self.train_errors.over_processes(self.device)),
            "valid": rmse(valid),
        }
        self.log(
            "valid_score",
            weighted_loss(of_score[0], of_score[1], self.score_weights()),
            sync_dist=True,
            logger=False,
        )

    def on_train_epoch_end(self) -> None:
        """Step the plateau schedule before the checkpoint is written, so that a resumed run has it, too."""
        score = float(self.trainer.callback_metrics["valid_score"])
        self.plateau.step(score, self.config.training.plateau_patience)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """The optimizer, and the schedule that changes its rate after each step."""
        training = self.config.training
        optimizer = new_optimizer(self.network, training, rate_factors(self.config))
        schedule = LambdaLR(
            optimizer, lambda step: rate_factor(step, self.steps_per_epoch, training, self.plateau)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the state that Lightning does not have: the sums of the epoch so far and the plateau schedule."""
        checkpoint["train_errors"] = self.train_errors.over_processes(self.device)
        checkpoint["plateau"] = asdict(self.plateau)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore that state; the sums of all processes go to the first one."""
        if self.trainer.is_global_zero:
            self.train_errors.values = checkpoint["train_errors"]
        self.plateau = Plateau(**checkpoint["plateau"])
