# SPDX-License-Identifier: MIT
"""An Allegro model as one stage: it is strictly local, each edge has features of its own (A. Musaelian et al., 2023)."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import ConversionError
from ..stages import LocalNetwork, network_of_stages
from .blocks import (
    EdgeLengths,
    RadialBasis,
    build_perceptron,
    build_repulsion,
    by_species,
    neighbor_normalization,
)
from .e3nn_modules import build_harmonics


class ProductEmbedding(nn.Module):
    """Scalars of an edge: Bessel functions by a linear map, times an embedding of the two species."""

    def __init__(self, block: Any, types: list[int]) -> None:
        super().__init__()
        self.basis = RadialBasis(block.bessel_encode, 1.0)
        self.linear = build_perceptron(block.type_embed.basis_linear)
        center = block.type_embed.center_embed.weight.detach()[types]
        neighbor = block.type_embed.neighbor_embed.weight.detach()[types]
        n = len(types)
        rows = [torch.cat([center[pair // n], neighbor[pair % n]]) for pair in range(n * n)]
        self.register_buffer("pair_embedding", torch.stack(rows))

    def forward(self, pairs: Tensor, x: Tensor) -> Tensor:
        """[E], [E, 1] to [E, F]."""
        return self.pair_embedding.index_select(0, pairs) * self.linear(self.basis(x))


class SplineEmbedding(nn.Module):
    """Scalars of an edge: sums of bell-shaped functions, with weights of the two species."""

    def __init__(self, block: Any, types: list[int]) -> None:
        super().__init__()
        spline = block.spline
        weights = spline.class_embed.weight.detach().reshape(block.num_types, block.num_types, -1)
        self.n_channels, self.n_splines = spline.num_channels, spline.num_splines
        self.register_buffer("weights", weights[types][:, types].reshape(len(types) ** 2, -1).clone())
        self.register_buffer("lower", spline.lower.clone())
        self.register_buffer("upper", spline.upper.clone())
        self.rate = float(spline._const)

    def forward(self, pairs: Tensor, x: Tensor) -> Tensor:
        """[E], [E, 1] to [E, F]."""
        phase = self.rate * (torch.minimum(torch.maximum(x, self.lower), self.upper) - self.lower)
        bells = 0.25 * (1.0 - torch.cos(phase)).square()
        weights = self.weights.index_select(0, pairs).view(-1, self.n_channels, self.n_splines)
        return torch.bmm(weights, bells.unsqueeze(2)).squeeze(2)


class TensorWeights(nn.Module):
    """Channels of spherical harmonics: each degree, or all, times a weight for each channel."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.n_channels = int(block.multiplicity_out)
        self.by_degree = bool(block.weight_individual_irreps)
        self.alpha = float(block.alpha)
        self.n_weights = int(block.weight_numel)
        self.register_buffer("spread", block._rtoi.detach().clone())  # [degrees, components], alpha or 0

    def forward(self, harmonics: Tensor, weights: Tensor) -> Tensor:
        """[E, I] and [E, U * R] to [E, U, I]."""
        weights = weights.reshape(harmonics.size(0), self.n_channels, self.n_weights // self.n_channels)
        if self.by_degree:
            weights = torch.matmul(weights, self.spread)
        else:
            weights = weights * self.alpha
        return weights * harmonics.unsqueeze(1)


class Contraction(nn.Module):
    """Tensor product of the features of edges with those of their centers, channel by channel."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        weights = torch.einsum(block._weight_w3j_einstr, block.weights.detach(), block.w3j)
        n_inputs = int(block.base_dim1) * (1 if block.w3j_is_ij_diagonal else int(block.base_dim2))
        self.diagonal = bool(block.w3j_is_ij_diagonal)
        self.register_buffer("weights", weights.reshape(-1, n_inputs, int(block.base_dim_out)).contiguous())

    def forward(self, features: Tensor, environment: Tensor) -> Tensor:
        """[E, U, I] and [E, U, J] to [E, U, K]."""
        if self.diagonal:
            products = features * environment
        else:
            products = (features.unsqueeze(3) * environment.unsqueeze(2)).flatten(2)
        return torch.matmul(products.transpose(0, 1), self.weights).transpose(0, 1)


class AllegroLayer(nn.Module):
    """Tensor product and perceptron of one layer, and the normalization of its sums over neighbors."""

    def __init__(self, block: Any, number: int, types: list[int]) -> None:
        super().__init__()
        self.product = Contraction(block.tps[number])
        self.perceptron = build_perceptron(block.latents[number])
        if hasattr(block, "avg_num_neighbors_norm"):
            normalization = neighbor_normalization(block.avg_num_neighbors_norm, types)
        else:  # one number for all species
            normalization = torch.full([len(types)], float(block.tps[number].scatter_factor or 1.0)).double()
        self.register_buffer("normalization", normalization.reshape(-1, 1, 1))


class AllegroStage(nn.Module):
    """All of Allegro as a stage (`pair_les.convert.stages`)."""

    def __init__(self, parts: dict[str, Any], types: list[int]) -> None:
        super().__init__()
        self.lengths = EdgeLengths(parts["edge_norm"], types)
        embedding = parts["radial_chemical_embed"]
        self.embedding = (
            SplineEmbedding(embedding, types)
            if type(embedding).__name__ == "TwoBodySplineScalarEmbed"
            else ProductEmbedding(embedding, types)
        )
        self.scalars = build_perceptron(parts["scalar_embed_mlp"].mlp_module)
        tensors, layers = parts["tensor_embed"], parts["allegro"]
        self.harmonics = build_harmonics(tensors.sh)
        self.first_tensors = TensorWeights(tensors._edge_weighter)
        self.first_weights = build_perceptron(tensors.env_embed_linear)
        self.environment = TensorWeights(layers._env_weighter)
        self.projection = build_perceptron(layers.first_layer_env_embed_projection)
        self.n_scalars = int(layers.num_scalar_features)
        self.layers = nn.ModuleList([AllegroLayer(layers, k, types) for k in range(layers.num_layers)])
        self.readout = build_perceptron(parts["edge_readout"].mlp_module)
        self.register_buffer("scale", _energy_scale(parts, types))
        self.repulsion = build_repulsion(parts, types)

    def forward(
        self,
        species: Tensor,
        edge_index: Tensor,
        edge_vectors: Tensor,
        received: Tensor,
        kept: list[Tensor],
        n: int,
    ) -> tuple[Tensor, list[Tensor]]:
        """What a stage sends and keeps (:mod:`pair_les.convert.stages`); the last keeps the energies [n], eV,
        and sums of the scalars of all layers over the edges."""
        centers, kinds = edge_index[0], species[:n]
        pairs, lengths, x = self.lengths(species, edge_index, edge_vectors)
        scalars = self.scalars(self.embedding(pairs, x))
        harmonics = self.harmonics(edge_vectors)
        tensors = self.first_tensors(harmonics, self.first_weights(scalars))
        latent = self.projection(scalars)
        collected = [latent[:, : self.n_scalars]]
        for layer in self.layers:
            weighted = self.environment(harmonics, latent[:, self.n_scalars :])
            sums = weighted.new_zeros([n, weighted.size(1), weighted.size(2)]).index_add(0, centers, weighted)
            sums = sums * layer.normalization.index_select(0, kinds)
            tensors = layer.product(tensors, sums.index_select(0, centers))
            latent = layer.perceptron(torch.cat(collected + [tensors[:, :, 0]], dim=1))
            collected.append(latent[:, : self.n_scalars])
        edge_scalars = torch.cat(collected, dim=1)
        edge_energy = self.readout(edge_scalars).squeeze(1)
        energy = edge_energy.new_zeros([n]).index_add(0, centers, edge_energy)
        energy = energy * self.scale.index_select(0, kinds)
        energy = energy + self.repulsion(pairs, lengths, x, centers, n)
        scalars = edge_scalars.new_zeros([n, edge_scalars.size(1)]).index_add(0, centers, edge_scalars)
        return edge_vectors.new_empty([n, 0]), [energy, scalars]


def _energy_scale(parts: dict[str, Any], types: list[int]) -> Tensor:
    """Factor of the sum of edge energies of each species, [S]."""
    total, scales = parts["edge_eng_sum"], parts["per_type_energy_scale_shift"].scales
    if hasattr(total, "norm_module"):
        normalization = neighbor_normalization(total.norm_module, types).double() / math.sqrt(2.0)
    else:  # one number for all species
        normalization = torch.full([len(types)], float(total._factor or 1.0), dtype=torch.float64)
    return by_species(scales, types).double() * normalization


def require_contractions(layers: Any) -> None:
    """Raise `ConversionError` that names the first tensor product that is not that of Allegro's own code."""
    for product in layers.tps:
        if type(product).__name__ != "Contracter":
            raise ConversionError(
                f"a tensor product of class {type(product).__name__}: give the model without accelerators"
            )
    if any(number != 1 for number in layers._n_scalar_outs):
        raise ConversionError(
            "a layer with several scalars for each channel: such models cannot be converted"
        )


def build_allegro(parts: dict[str, nn.Module], types: list[int]) -> LocalNetwork:
    """Allegro as a network that is strictly local.

    Parameters
    ----------
    parts
        Modules of the sequential model by their names.
    types
        Type of each species of the model file.
    """
    require_contractions(parts["allegro"])
    stage = AllegroStage(parts, types)
    return network_of_stages([stage], False, [], stage.n_scalars * (1 + len(stage.layers)))
