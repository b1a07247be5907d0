# SPDX-License-Identifier: MIT
"""LabelAgreement of latent charges with labels that were never fitted: dipoles, quadrupoles, Born charges, charges."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..data.files.sources import Source
from ..data.labels import find_label
from ..data.response_labels import LABELS, ResponseKeys, ResponseLabels, read_response_labels
from ..model_file.archive import load_model
from ..model_file.metadata import Metadata
from .observe import observe


@dataclass(frozen=True)
class LabelAgreement:
    """Labels and predictions of one quantity, both [n] components in e and angstrom."""

    label: NDArray[np.float64]
    prediction: NDArray[np.float64]

    @property
    def scale(self) -> float:
        """The factor of the predictions that fits the labels best; ``sqrt(eps)`` if all else is right."""
        square = float(self.prediction @ self.prediction)
        return float(self.prediction @ self.label) / square if square > 0.0 else 1.0

    @property
    def rmse(self) -> float:
        """Root mean square deviation of the components."""
        return float(np.sqrt(np.mean((self.prediction - self.label) ** 2)))

    def r2(self, scale: float = 1.0) -> float:
        """Coefficient of determination, ``1 - sum (label - scale prediction)^2 / sum (label - mean)^2``."""
        spread = float(np.sum((self.label - self.label.mean()) ** 2))
        left = float(np.sum((self.label - scale * self.prediction) ** 2))
        return 1.0 - left / spread if spread > 0.0 else float("nan")

    @property
    def r2_pearson(self) -> float:
        """Squared Pearson correlation: `r2` after the best factor and offset, and what published LES results call R2.

        Their definition: ``scipy.stats.pearsonr(x, y)[0] ** 2`` of all components together, in the notebooks published
        with the dipeptides (github.com/BingqingCheng/cace-lr-fit, ``fit-dipeptides``).
        """
        label = self.label - self.label.mean()
        prediction = self.prediction - self.prediction.mean()
        norms = float(np.linalg.norm(label) * np.linalg.norm(prediction))
        return (float(label @ prediction) / norms) ** 2 if norms > 0.0 else float("nan")


def compare_charges(
    model: str | os.PathLike[str] | tuple[torch.nn.Module, Metadata],
    data: Iterable[str | os.PathLike[str] | Source],
    keys: ResponseKeys | None = None,
    *,
    eps: float = 1.0,
    displacement_first: bool = True,
    total_charge: str = "total_charge",
) -> dict[str, LabelAgreement]:
    """Each kind of label that the data has, against the model; nothing for a model without charges.

    The energy does not depend on the sign of all charges: they are turned over, all kinds together, where that
    agrees better with the labels. The trace of a quadrupole has no meaning for fields from outside and is left
    out. Dipoles and quadrupoles of periodic frames depend on the cell chosen and are left out as well.

    Parameters
    ----------
    model
        Model file, or what `load_model` returned for it.
    data
        Frames in any format of ASE, or in memory (`FrameList`).
    keys
        Names of the labels.
    eps
        Electronic permittivity, see `physical_charges`.
    displacement_first
        Index order of labeled Born effective charges, see `read_response_labels`.
    total_charge
        Name of the total charge of a frame (e), which models with ``neutralize`` are held to; 0 where it is missing.

    Raises
    ------
    ContractError, DataError, UserError
        See `load_model`, `read_response_labels` and `observe`.
    """
    frames = read_response_labels(data, keys, displacement_first)
    loaded = model if isinstance(model, tuple) else load_model(model)
    if loaded[1].long_range is None or not any(frames):
        return {}
    parts: dict[str, list[tuple[NDArray, NDArray]]] = {name: [] for name in LABELS}
    for frame in frames:
        if frame:
            fixed = loaded[1].long_range.neutralize
            total = float(find_label(frame.atoms, total_charge) or 0.0) if fixed else None
            _compare(frame, loaded, eps, total, parts)
    joined = {
        name: tuple(np.concatenate(columns) for columns in zip(*pairs, strict=True))
        for name, pairs in parts.items()
        if pairs
    }
    similarity = sum(
        float(label @ found) / max(float(np.linalg.norm(label) * np.linalg.norm(found)), 1e-300)
        for label, found in joined.values()
    )
    sign = -1.0 if similarity < 0.0 else 1.0
    return {name: LabelAgreement(label, sign * found) for name, (label, found) in joined.items()}


def _compare(
    frame: ResponseLabels, loaded: Any, eps: float, total_charge: float | None, parts: dict[str, list]
) -> None:
    seen = observe(loaded, frame.atoms, eps=eps, total_charge=total_charge, born=frame.bec is not None)
    isolated = not frame.atoms.pbc.any()
    if frame.charges is not None:
        parts["charges"].append((frame.charges, seen.charges))
    if frame.bec is not None:
        assert seen.born is not None  # asked for above
        parts["bec"].append((frame.bec.reshape(-1), seen.born.reshape(-1)))
    if frame.dipole is not None and isolated:
        parts["dipole"].append((frame.dipole, seen.dipole))
    if frame.quadrupole is not None and isolated:
        parts["quadrupole"].append((_remove_trace(frame.quadrupole), _remove_trace(seen.quadrupole)))


def _remove_trace(moment: NDArray[np.float64]) -> NDArray[np.float64]:
    return (moment - np.eye(3) * np.trace(moment) / 3.0).reshape(-1)


def agreement_errors(found: dict[str, LabelAgreement]) -> dict[str, float]:
    """Return what ``pair-les evaluate`` reports of each kind: RMSE, R2, the best scale, R2 with it, the squared correlation."""
    rows = {}
    for name, pair in found.items():
        rows[f"{name}_rmse"] = pair.rmse
        rows[f"{name}_r2"] = pair.r2()
        rows[f"{name}_scale"] = pair.scale
        rows[f"{name}_r2_scaled"] = pair.r2(pair.scale)
        rows[f"{name}_r2_pearson"] = pair.r2_pearson
    return rows
