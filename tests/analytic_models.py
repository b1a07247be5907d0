# SPDX-License-Identifier: MIT
"""Tiny model files of contract versions 1 and 2, written with plain torch and nothing of pair_les.

Every term is a formula that a test can write down again. With ``f(r) = (1 - (r/c)^2)^3`` inside c, else 0::

    e_i = e0[s_i] + 1/2 sum_j A exp(-r_ij/rho) f(r_ij) + B (sum_j f(r_ij))^2      (Born-Mayer pair, many-body)
          + [1 message-passing layer] C sum_j f(r_ij) h_j,   h_j = sum_k f(r_jk)
    q_i = q0[s_i] + alpha response[s_i] sum_j f_q(r_ij) q0[s_j]                 (rule of reference vectors)
    q_i = q0[s_i] sum_j f_q(r_ij)                                                 (kind "vanishing_charge")
    chi_i = -chi0 q0[s_i] + alpha response[s_i] sum_j f_q(r_ij) q0[s_j]           (kind "equilibration", no q_i)
    eta_i = eta0 (1 + s_i / 4) + stiffening sum_j f_q(r_ij)

``write_model(path, kind, **options)`` writes one; the kinds are presets of the options of `AnalyticModel`:

"pair"
    the general one: two species, Na and Cl, q0 = +1 and -1, alpha = 0.1
"zero_charge_atom"
    adds species Ar with q0 = 0, whose charge is exactly 0 (and its gradient is not) where
    `zero_charge_configuration` puts it
"inert_atom"
    adds species Ar of charge exactly 0 everywhere
"vanishing_charge"
    every charge is exactly 0 once no two atoms are within charge_cutoff
"message_passing"
    one message-passing layer
"equilibration"
    contract version 2: electronegativities and hardnesses in place of charges; alpha is in eV/e here
"raising"
    forward raises RuntimeError once it sees more than max_edges edges
"raising_backward"
    the backward pass raises: forward overwrites what that needs
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

KE = 14.3996454784
"""eV angstrom / e^2, written out again: the file must not depend on the package under test."""

PRESETS: dict[str, dict[str, Any]] = {
    "pair": {},
    "zero_charge_atom": {"species": ["Na", "Cl", "Ar"], "q0": [1.0, -1.0, 0.0]},
    "inert_atom": {"species": ["Na", "Cl", "Ar"], "q0": [1.0, -1.0, 0.0], "response": [1.0, 1.0, 0.0]},
    "vanishing_charge": {"vanishing": True},
    "message_passing": {"message_passing_layers": 1},
    "equilibration": {"equilibration": True, "neutralize": True, "alpha": 0.5},
    "raising": {"max_edges": 100},
    "raising_backward": {"spoiled": True},
}


class AnalyticModel(torch.nn.Module):
    """The formulas of this module's docstring; lengths in angstrom, energies in eV, charges in e.

    Parameters
    ----------
    q0, response, e0
        One value per species.
    cutoff, charge_cutoff
        c of the energy and of the charge; charge_cutoff <= cutoff.
    alpha
        Strength of the environment dependence of the charge; 0 gives fixed charges.
    amplitude, decay, embedding, coupling
        A, rho, B, C.
    charged
        Whether `forward` returns charges at all.
    vanishing
        The second charge rule.
    equilibration, chi0, eta0, stiffening
        Whether `forward` returns electronegativities and hardnesses, and their parameters, eV/e and eV/e^2.
    detached
        Charges carry no gradient: forces at fixed charge, the classic error, on purpose.
    message_passing_layers
        0 or 1.
    max_edges
        More edges raise RuntimeError; negative: never.
    spoiled
        Whether the tape of the forward pass is unusable.
    dtype
        Of the parameters.
    """

    def __init__(
        self,
        q0: Sequence[float],
        response: Sequence[float],
        e0: Sequence[float],
        cutoff: float,
        charge_cutoff: float,
        alpha: float,
        amplitude: float,
        decay: float,
        embedding: float,
        coupling: float,
        charged: bool,
        vanishing: bool,
        equilibration: bool,
        chi0: float,
        eta0: float,
        stiffening: float,
        detached: bool,
        message_passing_layers: int,
        max_edges: int,
        spoiled: bool,
        dtype: torch.dtype,
    ) -> None:
        super().__init__()
        self.register_buffer("q0", torch.tensor(q0, dtype=dtype))
        self.register_buffer("response", torch.tensor(response, dtype=dtype))
        # one parameter: readers must cope with them
        self.e0 = torch.nn.Parameter(torch.tensor(e0, dtype=dtype))
        self.cutoff = cutoff
        self.charge_cutoff = charge_cutoff
        self.alpha = alpha
        self.amplitude = amplitude
        self.decay = decay
        self.embedding = embedding
        self.coupling = coupling
        self.charged = charged
        self.vanishing = vanishing
        self.equilibration = equilibration
        self.chi0 = chi0
        self.eta0 = eta0
        self.stiffening = stiffening
        self.detached = detached
        self.message_passing_layers = message_passing_layers
        self.max_edges = max_edges
        self.spoiled = spoiled

    def smooth(self, r: Tensor, cutoff: float) -> Tensor:
        """f(r), with two continuous derivatives at the cutoff."""
        return (1.0 - (r / cutoff) ** 2).clamp(min=0.0) ** 3

    def forward(
        self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int
    ) -> dict[str, Tensor]:
        if self.max_edges >= 0 and edge_index.size(1) > self.max_edges:
            raise RuntimeError("analytic model: more edges than max_edges")
        n_atoms = species.size(0)
        center, neighbor = edge_index[0], edge_index[1]
        r = edge_vectors.square().sum(1).sqrt()
        f = self.smooth(r, self.cutoff)
        zeros = torch.zeros(n_atoms, dtype=edge_vectors.dtype, device=edge_vectors.device)

        repulsion = torch.exp(-r / self.decay)
        pair = zeros.index_add(0, center, 0.5 * self.amplitude * repulsion * f)
        if self.spoiled:
            pair = pair + zeros.index_add(0, center, repulsion.zero_())
        density = zeros.index_add(0, center, f)
        energy = self.e0[species] + pair + self.embedding * density**2
        if self.message_passing_layers == 1:
            energy = energy + self.coupling * zeros.index_add(0, center, f * density[neighbor])
        result = {"energy": energy[:n_local]}
        if self.equilibration:
            f_q = self.smooth(r, self.charge_cutoff)
            environment = zeros.index_add(0, center, f_q * self.q0[species[neighbor]])
            chi = -self.chi0 * self.q0[species] + self.alpha * self.response[species] * environment
            eta = self.eta0 * (1.0 + 0.25 * species.to(zeros.dtype))
            eta = eta + self.stiffening * zeros.index_add(0, center, f_q)
            result["electronegativity"] = chi[:n_local]
            result["hardness"] = eta[:n_local]
        elif self.charged:
            f_q = self.smooth(r, self.charge_cutoff)
            if self.vanishing:
                charge = self.q0[species] * zeros.index_add(0, center, f_q)
            else:
                environment = zeros.index_add(0, center, f_q * self.q0[species[neighbor]])
                charge = self.q0[species] + self.alpha * self.response[species] * environment
            if self.detached:
                charge = charge.detach()
            result["charge"] = charge[:n_local]
        return result


def write_model(
    path: str | os.PathLike[str],
    kind: str = "pair",
    *,
    edit_metadata: Callable[[dict[str, Any]], None] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Write a model file and return its metadata.

    Parameters
    ----------
    path
        The file.
    kind
        A key of `PRESETS`.
    edit_metadata
        Called with the metadata before it is written: for tests of files that break the contract.
    options
        Override the preset. Of the metadata: species, dtype, sigma (None for ``long_range: null``),
        coulomb_constant, self_interaction, neutralize; the rest are those of `AnalyticModel`.
    """
    network, metadata = _network_and_metadata(kind, options)
    if edit_metadata is not None:
        edit_metadata(metadata)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch.jit is the format of contract version 1
        scripted = torch.jit.script(network)
        torch.jit.save(scripted, os.fspath(path), _extra_files={"metadata.json": json.dumps(metadata)})
    return metadata


def analytic_network(kind: str = "pair", **options: Any) -> AnalyticModel:
    """The network of such a file, in plain torch."""
    return _network_and_metadata(kind, options)[0]


def _network_and_metadata(kind: str, options: dict[str, Any]) -> tuple[AnalyticModel, dict[str, Any]]:
    given = {**PRESETS[kind], **options}
    species = list(given.pop("species", ["Na", "Cl"]))
    q0 = list(given.pop("q0", [1.0 if index % 2 == 0 else -1.0 for index in range(len(species))]))
    dtype = given.pop("dtype", "float64")
    sigma = given.pop("sigma", 1.0)
    long_range = {
        "sigma": sigma,
        "coulomb_constant": given.pop("coulomb_constant", KE),
        "self_interaction": given.pop("self_interaction", False),
        "neutralize": given.pop("neutralize", False),
    }
    if given.get("equilibration", False):
        long_range["charge_model"] = "equilibration"
    cutoff = float(given.pop("cutoff", 5.0))
    network = {
        "q0": q0,
        "response": [1.0] * len(species),
        "e0": [-1.0 - 0.5 * index for index in range(len(species))],
        "cutoff": cutoff,
        "charge_cutoff": min(4.0, cutoff),
        "alpha": 0.1,
        "amplitude": 1000.0,
        "decay": 0.317,
        "embedding": 0.01,
        "coupling": 0.02,
        "charged": sigma is not None,
        "vanishing": False,
        "equilibration": False,
        "chi0": 4.0,
        "eta0": 14.0,
        "stiffening": 0.2,
        "detached": False,
        "message_passing_layers": 0,
        "max_edges": -1,
        "spoiled": False,
        "dtype": getattr(torch, dtype),
    }
    unknown = sorted(set(given) - set(network))
    if unknown:
        raise TypeError(f"analytic model '{kind}' has no option {unknown[0]!r}, only {sorted(network)}")
    network.update(given)
    metadata = {
        "format": "pair_les",
        "format_version": 2 if network["equilibration"] else 1,
        "species": species,
        "cutoff": cutoff,
        "message_passing_layers": network["message_passing_layers"],
        "dtype": dtype,
        "units": {"length": "angstrom", "energy": "eV", "charge": "e"},
        "long_range": None if sigma is None else long_range,
        "created_with": {"by": "tests/analytic_models.py"},
        "description": f"analytic test model '{kind}'",
        "references": [],
    }
    return AnalyticModel(**network).eval(), metadata


def zero_charge_configuration() -> tuple[list[str], list[list[float]], float]:
    """Symbols, positions (angstrom) and edge of a cubic cell where Ar of "zero_charge_atom" has charge 0.0.

    Na and Cl stand at equal distances (exact in binary) on both sides of Ar along x, every other atom is
    further than 4.0 A from it: the two terms of its charge cancel exactly, while its derivative along x does
    not vanish. The other Na are nearer to it than the other Cl, so that its potential does not vanish either.
    """
    symbols = ["Ar", "Na", "Cl", "Na", "Cl", "Na", "Cl"]
    positions = [
        [6.0, 6.0, 6.0],
        [8.5, 6.0, 6.0],
        [3.5, 6.0, 6.0],
        [6.0, 10.25, 6.0],
        [11.25, 1.0, 11.0],
        [6.0, 6.0, 1.75],
        [1.25, 11.0, 6.5],
    ]
    return symbols, positions, 12.0
