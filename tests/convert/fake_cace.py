# SPDX-License-Identifier: MIT
"""A file that is pickled as a CACE-LES model is, with random weights and empty classes; and its formulas, loop by loop."""

from __future__ import annotations

import sys
import types
from itertools import product
from pathlib import Path

import numpy as np
import torch
from ase import Atoms
from torch import nn

KNOWN: dict[tuple[str, str], type] = {}


def made(module: str, name: str, **attributes: object) -> nn.Module:
    """An object that is pickled as one of ``module.name``."""
    if (module, name) not in KNOWN:
        parts = module.split(".")
        for depth in range(1, len(parts) + 1):
            path = ".".join(parts[:depth])
            sys.modules.setdefault(path, types.ModuleType(path))
        KNOWN[module, name] = type(name, (nn.Module,), {"__module__": module})
        setattr(sys.modules[module], name, KNOWN[module, name])
    thing = KNOWN[module, name]()
    for key, value in attributes.items():
        setattr(thing, key, value)
    return thing


def dense(n_in: int, n_out: int, activation: object = None) -> nn.Module:
    layer = made("cace.modules.blocks", "Dense", linear=nn.Linear(n_in, n_out))
    if activation is not None:
        layer.activation = activation
    return layer


def atomwise(module: str, n_in: int, **attributes: object) -> nn.Module:
    """A readout of one hidden layer of three and a linear map beside it."""
    return made(
        module,
        "Atomwise",
        n_out=1,
        add_linear_nn=True,
        outnet=nn.Sequential(dense(n_in, 3, nn.functional.silu), dense(3, 1, nn.Identity())),
        linear_nn=dense(n_in, 1, nn.Identity()),
        **attributes,
    )


def write(path: Path, max_nu: int = 3, **edits: object) -> nn.Module:
    """H and O, degrees 0 and 1, invariants of up to three factors, one message-passing layer; `edits` are settings of `Les`."""
    torch.manual_seed(2)
    torch.set_default_dtype(torch.float64)
    cutoff, n_raw, n_radial, n_channels = 3.0, 3, 2, 4
    monomials = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    invariants = {2: {1: [[[1, 1], 1], [[2, 2], 1], [[3, 3], 1]]}}
    if max_nu == 3:
        invariants[3] = {(1, 1): [[[0, 1, 1], 1], [[0, 2, 2], 1], [[0, 3, 3], 2]]}
    n_in = n_radial * max_nu * n_channels

    def embedding() -> nn.Module:
        return made("cace.modules.type", "NodeEmbedding", embedding_weights=nn.Parameter(torch.randn(2, 2)))

    basis = made(
        "cace.modules.radial", "BesselRBF", bessel_weights=nn.Parameter(torch.tensor([1.0, 2.1, 3.3]))
    )
    cace = made(
        "cace.representations.cace_representation",
        "Cace",
        zs=[1, 8],
        cutoff=cutoff,
        l_list=monomials,
        mp_norm_factor=0.4,
        node_embedding_sender=embedding(),
        node_embedding_receiver=embedding(),
        edge_coding=made("cace.modules.type", "EdgeEncoder", directed=True),
        radial_basis=basis,
        cutoff_fn=made("cace.modules.cutoff", "PolynomialCutoff", p=torch.tensor(6.0)),
        angular_basis=made("cace.modules.angular", "AngularComponent"),
        radial_transform=made(
            "cace.modules.radial_transform",
            "SharedRadialLinearTransform",
            weights=nn.ParameterList(
                [nn.Parameter(torch.randn(n_raw, n_radial, n_channels)) for _ in range(2)]
            ),
        ),
        symmetrizer=made("cace.modules.symmetrize_basis", "Symmetrizer", indice_dict_allnu=invariants),
    )
    layer = nn.ModuleList()
    layer.add_module("0", None)
    layer.add_module("1", None)
    layer.add_module(
        "2",
        made(
            "cace.modules.interaction",
            "MessageBchi",
            shared_channels=False,
            hnet=nn.Sequential(dense(n_in, 2 * n_channels, nn.Identity())),
        ),
    )
    cace.message_passing_list = nn.ModuleList([layer])
    ewald = made(
        "les.module.ewald", "Ewald", dl=2.0, sigma=1.0, remove_self_interaction=True, norm_factor=90.0474
    )
    les = made(
        "les.les",
        "Les",
        use_atomwise=True,
        atomwise=atomwise("les.module.atomwise", 2 * n_in, output_scaling_factor=0.1),
        ewald=ewald,
        **edits,
    )
    model = made("cace.models.atomistic", "NeuralNetworkPotential", representation=cace)
    model.postprocessors = nn.ModuleList()
    model.output_modules = nn.ModuleList(
        [
            made("cace.modules.les_wrapper", "LesWrapper", energy_key="lr", les=les),
            atomwise("cace.modules.atomwise", 2 * n_in, output_key="sr"),
            made("cace.modules.feature_mix", "FeatureAdd", output_key="all", feature_keys=["sr", "lr"]),
            made("cace.modules.forces", "Forces", energy_key="all"),
        ]
    )
    torch.save(model, path)
    torch.set_default_dtype(torch.float32)
    return model


def formulas(model: nn.Module, atoms: Atoms) -> tuple[float, np.ndarray]:
    """Short-range energy and charges of isolated atoms, by loops over the formulas of the papers."""
    cace, n = model.representation, len(atoms)
    kind = [cace.zs.index(z) for z in atoms.numbers]
    numbers = {name: parameter.detach().numpy() for name, parameter in cace.named_parameters()}
    sender, receiver = (
        numbers[f"node_embedding_{name}.embedding_weights"] for name in ("sender", "receiver")
    )
    transform = [numbers[f"radial_transform.weights.{degree}"] for degree in range(2)]
    waves, rc = numbers["radial_basis.bessel_weights"], cace.cutoff
    degrees = [sum(exponents) for exponents in cace.l_list]

    def densities(message: np.ndarray | None) -> np.ndarray:
        a = np.zeros((n, transform[0].shape[1], len(degrees), transform[0].shape[2]))
        for i, j in product(range(n), range(n)):
            r = np.linalg.norm(atoms.positions[j] - atoms.positions[i])
            if i == j or r >= rc:
                continue
            unit, x = (atoms.positions[j] - atoms.positions[i]) / r, r / rc
            raw = np.sqrt(2 / rc) * np.sin(waves * r) / r * (1 - 28 * x**6 + 48 * x**7 - 21 * x**8)
            chemical = np.outer(sender[kind[j]], receiver[kind[i]]).ravel()
            for place, exponents in enumerate(cace.l_list):
                angular = np.prod(unit ** np.array(exponents))
                h = 1.0 if message is None else message[j].reshape(2, -1)[degrees[place]]
                a[i, :, place] += (
                    np.einsum("k,kmc->mc", raw, transform[degrees[place]]) * angular * chemical * h
                )
        return a if message is None else a * cace.mp_norm_factor

    def invariants(a: np.ndarray) -> np.ndarray:
        b = [a[:, :, 0]]
        for of_order in cace.symmetrizer.indice_dict_allnu.values():
            for products in of_order.values():
                b.append(sum(c * np.prod([a[:, :, k] for k in indices], axis=0) for indices, c in products))
        return np.stack(b, axis=2).reshape(n, -1)

    first = invariants(densities(None))
    layer = dict(cace.message_passing_list[0].named_children())["2"].hnet[0].linear
    second = invariants(densities(layer(torch.tensor(first)).detach().numpy()))
    features = torch.tensor(np.stack([first, second], axis=-1).reshape(n, -1))

    def readout(module: nn.Module) -> np.ndarray:
        hidden = nn.functional.silu(module.outnet[0].linear(features))
        value = module.outnet[1].linear(hidden) + module.linear_nn.linear(features)
        return value[:, 0].detach().numpy() * getattr(module, "output_scaling_factor", 1.0)

    return float(readout(model.output_modules[1]).sum()), readout(model.output_modules[0].les.atomwise)
