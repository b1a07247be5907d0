# SPDX-License-Identifier: MIT
"""The settings of the short-range network, validated where they are made."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class NetSettings:
    """Size and resolution of a :class:`pair_les.net.LESNet`.

    Parameters
    ----------
    cutoff : float
        Radius of an atom's neighborhood, angstrom. The receptive field is this one cutoff.
    n_radial : int
        Number of radial basis functions per neighbor species.
    l_max : int
        Highest degree of the real spherical harmonics, 1 to 3.
    n_channels : int
        Number of learned combinations of (neighbor species, radial function) per center species and degree.
    body_order : int
        3, 4 or 5: products of up to 2, 3 or 4 densities around the center atom.
    hidden : tuple of int
        Widths of the hidden layers of the per-atom network.
    message_passing_layers : int
        0: strictly local (:class:`pair_les.net.LESNet`); 1: :class:`pair_les.net.MessagePassingNet`, whose receptive field
        is two cutoffs, and which shares its weights between the species. It needs ``body_order`` 5.
    message_channels : int
        Number of functions that an atom sends to its neighbors; without effect where there are no messages.
    message_l_max : int
        Highest degree of these functions, 1 to ``l_max``; without effect where there are no messages.
    charge_state : bool
        Whether the network is conditioned on the total charge per atom of each frame (:class:`pair_les.net.readout.StateShift`).
    zbl : bool
        Whether the screened repulsion of nuclei is added (:mod:`pair_les.net.repulsion`).

    Raises
    ------
    ValueError
        Where a value is outside its range; the message gives the name, the value, the rule and a good value.
    """

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

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", tuple(self.hidden))
        cutoff = self.cutoff
        if (
            isinstance(cutoff, bool)
            or not isinstance(cutoff, (int, float))
            or not math.isfinite(cutoff)
            or cutoff <= 0
        ):
            raise ValueError(
                f"cutoff = {cutoff!r}: must be a positive number of angstrom; use for example 5.5"
            )
        object.__setattr__(self, "cutoff", float(cutoff))
        _require_integer("n_radial", self.n_radial, 2, 64, 8)
        _require_integer("l_max", self.l_max, 1, 3, 3)
        _require_integer("n_channels", self.n_channels, 1, 512, 32)
        _require_integer("body_order", self.body_order, 3, 5, 5)
        if not self.hidden:
            raise ValueError("hidden = (): must name at least one hidden layer; use for example (64, 64)")
        for width in self.hidden:
            _require_integer("hidden", width, 1, 4096, 64)
        _require_integer("message_passing_layers", self.message_passing_layers, 0, 1, 0)
        _require_integer("message_channels", self.message_channels, 1, 512, 16)
        _require_integer("message_l_max", self.message_l_max, 1, 3, 2)
        if not isinstance(self.charge_state, bool):
            raise ValueError(
                f"charge_state = {self.charge_state!r}: must be true or false; use false for one charge state"
            )
        if not isinstance(self.zbl, bool):
            raise ValueError(f"zbl = {self.zbl!r}: must be true or false; use true for hot or dense matter")
        if self.message_passing_layers == 1:
            if self.body_order != 5:
                raise ValueError(
                    f"body_order = {self.body_order}: must be 5 where message_passing_layers = 1; use body_order 5"
                )
            if self.message_l_max > self.l_max:
                raise ValueError(
                    f"message_l_max = {self.message_l_max}: must not exceed l_max = {self.l_max}; "
                    f"use message_l_max {self.l_max}"
                )


def _require_integer(name: str, value: object, low: int, high: int, example: int) -> None:
    """Raise ``ValueError`` in one line unless ``value`` is an integer in ``low..high``."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(
            f"{name} = {value!r}: must be an integer from {low} to {high}; use for example {example}"
        )
