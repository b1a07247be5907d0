# SPDX-License-Identifier: MIT
"""Parts that NequIP and Allegro share: edge lengths and their basis, perceptrons, scales by species, the ZBL term.

Each takes its weights from the module of nequip of the same purpose, so that neither the module's class nor its code is part of the
result: a package file (``.nequip.zip``) brings classes of its own.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import ConversionError

ZBL_LENGTH, ZBL_POWER = 0.46850, 0.23
"""Angstrom, and the exponent of the nuclear charges, in the screening length of Ziegler, Biersack and Littmark."""
ZBL_AMPLITUDES = (0.02817, 0.28022, 0.50986, 0.18175)
ZBL_RATES = (0.20162, 0.40290, 0.94229, 3.19980)
"""Screening function: sum of amplitude times exp(-rate distance / screening length), as in LAMMPS's pair style zbl."""


class ShiftedSoftplus(nn.Module):
    """log(1 + exp(x)) - log(2)."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.softplus(x) - math.log(2.0)


ACTIVATIONS: dict[str, type[nn.Module]] = {
    "SiLU": nn.SiLU,
    "Mish": nn.Mish,
    "GELU": nn.GELU,
    "Tanh": nn.Tanh,
    "Sigmoid": nn.Sigmoid,
    "Softplus": nn.Softplus,
    "ShiftedSoftplus": ShiftedSoftplus,
    "Identity": nn.Identity,
}
"""By the class that nequip uses."""


def polynomial_cutoff(x: Tensor, p: float) -> Tensor:
    """Envelope of exponent `p` that is 1 at x = 0 and 0 with two derivatives from x = 1 on (arXiv:2003.03123, equation 8)."""
    polynomial = (
        1.0
        - (p + 1.0) * (p + 2.0) / 2.0 * torch.pow(x, p)
        + p * (p + 2.0) * torch.pow(x, p + 1.0)
        - p * (p + 1.0) / 2.0 * torch.pow(x, p + 2.0)
    )
    return polynomial * (x < 1.0)


class EdgeLengths(nn.Module):
    """Lengths of edges in units of the cutoff of their pair of species.

    Parameters
    ----------
    block
        ``EdgeLengthNormalizer``.
    types
        Type of each species of the model file.
    """

    def __init__(self, block: Any, types: list[int]) -> None:
        super().__init__()
        self.n_species = len(types)
        inverse = block._rmax_recip.detach().clone()
        if inverse.numel() == 1:
            table = inverse.reshape(1, 1).expand(self.n_species, self.n_species)
        else:
            table = inverse.reshape(block.num_types, block.num_types)[types][:, types]
        self.register_buffer("inverse_cutoff", table.reshape(-1).clone())

    def forward(
        self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Pair of species of each edge [E] (center, then neighbor, row by row), length [E], and length in units of the cutoff [E, 1]."""
        pairs = species.index_select(0, edge_index[0]) * self.n_species + species.index_select(
            0, edge_index[1]
        )
        lengths = edge_vectors.square().sum(1).sqrt()
        return pairs, lengths, (lengths * self.inverse_cutoff.index_select(0, pairs)).unsqueeze(1)


class RadialBasis(nn.Module):
    """Bessel functions times a polynomial cutoff, from ``BesselEdgeLengthEncoding``, times `factor`."""

    def __init__(self, block: Any, factor: float) -> None:
        super().__init__()
        self.register_buffer("roots", block.bessel_weights.detach().clone())
        self.p = float(block.cutoff.p)
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """[E, 1] to [E, B]."""
        return self.factor * torch.sinc(x * self.roots) * self.roots * polynomial_cutoff(x, self.p)


class Repulsion(nn.Module):
    """Repulsion of nuclei of Ziegler, Biersack and Littmark (1985), from ``ZBL``.

    Parameters
    ----------
    block
        ``ZBL``.
    types
        Type of each species of the model file.
    """

    def __init__(self, block: Any, types: list[int]) -> None:
        super().__init__()
        z = block.atomic_numbers.detach().double()[types]
        coulomb = float(block._qqr2exesquare)  # eV angstrom, half of it for each direction of a pair
        screening = (z[:, None] ** ZBL_POWER + z[None, :] ** ZBL_POWER) / ZBL_LENGTH
        self.register_buffer("prefactor", (coulomb * z[:, None] * z[None, :]).reshape(-1))
        self.register_buffer("inverse_length", screening.reshape(-1))
        self.register_buffer("amplitudes", torch.tensor(ZBL_AMPLITUDES, dtype=torch.float64))
        self.register_buffer("rates", torch.tensor(ZBL_RATES, dtype=torch.float64))
        self.p = float(block.cutoff.p)

    def forward(self, pairs: Tensor, lengths: Tensor, x: Tensor, centers: Tensor, n: int) -> Tensor:
        """Energy of each of `n` centers, [n]."""
        reduced = lengths * self.inverse_length.index_select(0, pairs)
        screening = (self.amplitudes * torch.exp(-reduced.unsqueeze(1) * self.rates)).sum(1)
        energy = self.prefactor.index_select(0, pairs) / lengths * screening
        energy = energy * polynomial_cutoff(x.squeeze(1), self.p)
        return lengths.new_zeros([n]).index_add(0, centers, energy)


class NoRepulsion(nn.Module):
    """Stand-in for `Repulsion` in models without a pair potential."""

    def forward(self, pairs: Tensor, lengths: Tensor, x: Tensor, centers: Tensor, n: int) -> Tensor:
        """Zeros, [n]."""
        return lengths.new_zeros([n])


def build_repulsion(parts: dict[str, nn.Module], types: list[int]) -> nn.Module:
    """The pair potential of a model, or its stand-in."""
    return Repulsion(parts["pair_potential"], types) if "pair_potential" in parts else NoRepulsion()


def build_perceptron(function: nn.Module) -> nn.Sequential:
    """The layers of a ``ScalarMLPFunction``, with its normalization within the weights.

    Raises
    ------
    ConversionError
        If it has a layer of another class.
    """
    inner = function.mlp
    if type(inner).__name__ == "DeepLinearMLP":
        product = torch.linalg.multi_dot([weight.detach() for weight in inner.weights])
        return nn.Sequential(_linear(product * inner.alpha, None))
    layers: list[nn.Module] = []
    for layer in inner:
        name = type(layer).__name__
        if name in ACTIVATIONS:
            layers.append(ACTIVATIONS[name]())
        elif name.endswith("ScalarLinearLayer"):
            layers.append(_linear(layer.weight.detach() * layer.alpha, layer.bias))
        else:
            raise ConversionError(
                f"a perceptron with a layer of class {name}: such models cannot be converted"
            )
    return nn.Sequential(*layers)


def _linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    """``x @ weight + bias`` for a weight of shape [in, out]."""
    linear = nn.Linear(*weight.shape, bias=bias is not None, dtype=weight.dtype)
    with torch.no_grad():
        linear.weight.copy_(weight.T)
        if bias is not None:
            linear.bias.copy_(bias)
    return linear


def by_species(values: Tensor, types: list[int]) -> Tensor:
    """Values of each species, [S], from one number or one for each type; 1 where `values` is empty."""
    flat = values.detach().reshape(-1)
    if flat.numel() == 0:
        return torch.ones(len(types), dtype=flat.dtype)
    return flat.expand(len(types)).clone() if flat.numel() == 1 else flat[types]


def neighbor_normalization(block: nn.Module, types: list[int]) -> Tensor:
    """Factor of each species [S] by which ``AvgNumNeighborsNorm`` multiplies sums over neighbors."""
    return by_species(block.norm_const, types)
