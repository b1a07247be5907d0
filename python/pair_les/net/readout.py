# SPDX-License-Identifier: MIT
"""Small per-atom networks whose weights belong to the species of the center atom."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from pair_les.net.activations import silu

INITIAL_OUTPUT = 0.1
"""Size of the outputs before training, relative to unit variance."""


class SpeciesLinear(nn.Module):
    """``y = x W_s + b_s`` for atoms of species s."""

    def __init__(self, n_species: int, n_in: int, n_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_species, n_in, n_out) / math.sqrt(n_in))
        self.bias = nn.Parameter(torch.zeros(n_species, n_out))

    def forward(self, x: Tensor, s: int) -> Tensor:
        """``[n, n_in]`` -> ``[n, n_out]``."""
        return torch.addmm(self.bias[s], x, self.weight[s])


class StateShift(nn.Module):
    """Contribution of the charge state of a frame to the first hidden layer of its atoms and to their outputs; 0 initially.

    Both are linear in the state, with factors of each species. A fixed state is therefore a change of biases and nothing else.
    """

    def __init__(self, n_species: int, n_hidden: int, n_outputs: int) -> None:
        super().__init__()
        self.hidden = nn.Parameter(torch.zeros(n_species, n_hidden))
        self.output = nn.Parameter(torch.zeros(n_species, n_outputs))


def fold_charge_state(readout: Readout | SharedReadout, state: float) -> None:
    """Turn a readout that is conditioned on the charge state into one of this state, by its biases."""
    shift, first = readout.state, readout.layers[0]
    assert shift is not None and isinstance(first, SpeciesLinear | SharedLinear)
    with torch.no_grad():
        first.bias.add_(state * shift.hidden)
        readout.last.bias.add_(state * shift.output)
    readout.state = None


class Readout(nn.Module):
    """Features of an atom to its outputs: linear layers with SiLU between them.

    Parameters
    ----------
    n_species, n_features, n_outputs : int
        Sizes.
    hidden : list of int
        Widths of the hidden layers.
    charge_state : bool
        Whether :meth:`forward` may be given the state of each atom's frame.
    """

    def __init__(
        self, n_species: int, n_features: int, hidden: list[int], n_outputs: int, charge_state: bool = False
    ) -> None:
        super().__init__()
        sizes = [n_features, *hidden]
        self.state = StateShift(n_species, hidden[0], n_outputs) if charge_state else None
        self.layers = nn.ModuleList(
            [SpeciesLinear(n_species, a, b) for a, b in zip(sizes[:-1], sizes[1:], strict=True)]
        )
        self.last = SpeciesLinear(n_species, sizes[-1], n_outputs)
        # Start from a nearly flat energy: with outputs of order 1 the first forces are tens of eV/angstrom, and
        # training spends its first epoch on undoing them, or diverges.
        with torch.no_grad():
            self.last.weight.mul_(INITIAL_OUTPUT)

    def forward(self, x: Tensor, s: int, state: Tensor | None = None, fused: bool = False) -> Tensor:
        """``[n, n_features]`` of atoms of species ``s``, and their states ``[n]`` -> ``[n, n_outputs]``; `fused`: see `silu`."""
        x = self.last(self.hidden(x, s, state, fused), s)
        if self.state is not None:
            if state is not None:
                x = x + torch.outer(state, self.state.output[s])
        return x

    def hidden(self, x: Tensor, s: int, state: Tensor | None = None, fused: bool = False) -> Tensor:
        """Values ``[n, hidden[-1]]`` of the last hidden layer; arguments as :meth:`forward`."""
        for number, layer in enumerate(self.layers):
            x = layer(x, s)
            if self.state is not None:
                if number == 0 and state is not None:
                    x = x + torch.outer(state, self.state.hidden[s])
            x = silu(x, fused)
        return x


class SharedLinear(nn.Module):
    """``y = x W + b_s``: one weight for all species, biases of their own."""

    def __init__(self, n_species: int, n_in: int, n_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_in, n_out) / math.sqrt(n_in))
        self.bias = nn.Parameter(torch.zeros(n_species, n_out))

    def forward(self, x: Tensor, species: Tensor) -> Tensor:
        """``[n, n_in]`` of atoms of ``species [n]`` -> ``[n, n_out]``."""
        return torch.addmm(torch.index_select(self.bias, 0, species), x, self.weight)


class SharedReadout(nn.Module):
    """As :class:`Readout`, with weights shared by all species, plus a linear map from the features to the outputs.

    Few data determine shared weights better: an element that is rare in the training frames borrows from the others.
    """

    def __init__(
        self, n_species: int, n_features: int, hidden: list[int], n_outputs: int, charge_state: bool = False
    ) -> None:
        super().__init__()
        sizes = [n_features, *hidden]
        self.state = StateShift(n_species, hidden[0], n_outputs) if charge_state else None
        self.layers = nn.ModuleList(
            [SharedLinear(n_species, a, b) for a, b in zip(sizes[:-1], sizes[1:], strict=True)]
        )
        self.last = SharedLinear(n_species, sizes[-1], n_outputs)
        self.direct = nn.Parameter(torch.zeros(n_features, n_outputs))
        with torch.no_grad():
            self.last.weight.mul_(INITIAL_OUTPUT)  # as in Readout

    def forward(self, x: Tensor, species: Tensor, state: Tensor | None = None, fused: bool = False) -> Tensor:
        """``[n, n_features]`` of atoms of ``species [n]``, and their states ``[n]`` -> ``[n, n_outputs]``; `fused`: see `silu`."""
        y = self.last(self.hidden(x, species, state, fused), species)
        if self.state is not None:
            if state is not None:
                y = y + state.unsqueeze(1) * torch.index_select(self.state.output, 0, species)
        return torch.addmm(y, x, self.direct)

    def hidden(self, x: Tensor, species: Tensor, state: Tensor | None = None, fused: bool = False) -> Tensor:
        """Values ``[n, hidden[-1]]`` of the last hidden layer; arguments as :meth:`forward`."""
        for number, layer in enumerate(self.layers):
            x = layer(x, species)
            if self.state is not None:
                if number == 0 and state is not None:
                    x = x + state.unsqueeze(1) * torch.index_select(self.state.hidden, 0, species)
            x = silu(x, fused)
        return x
