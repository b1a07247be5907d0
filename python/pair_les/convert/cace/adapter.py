# SPDX-License-Identifier: MIT
"""A CACE or CACE-LES model file to the contract.

The file is a whole pickled model. Its classes, of the packages `cace` and `les`, are replaced by empty ones, so that only numbers and
settings are read; neither package is needed or used. Settings that this file does not know are refused by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from ase.data import chemical_symbols
from torch import nn

from ...errors import ConversionError
from ...model_file.metadata import Metadata
from ..converted import Converted
from ..les import LesSettings, les_settings
from ..pickles import inert_class, load_trusted
from ..species import choose_species
from .network import Density, Invariants, Radial, Readout, Sum, build_stages

REFERENCES = (
    "B. Cheng, npj Comput. Mater. 10, 157 (2024), doi:10.1038/s41524-024-01332-4 (CACE)",
    "B. Cheng, npj Comput. Mater. 11 (2025), doi:10.1038/s41524-025-01577-7 (latent Ewald summation)",
)

ACTIVATIONS = {
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "softplus": nn.Softplus,
    "sigmoid": nn.Sigmoid,
}
MESSAGE = "2"
"""Place of the messages of invariants among the kinds of messages of a layer."""


def read(path: Path, elements: Sequence[str] | None, head: str | None, precision: str | None) -> Converted:
    """Read a whole CACE model.

    Parameters
    ----------
    path
        File of ``torch.save(model)``.
    elements
        Species of the model file; None: all that the model knows.
    head
        Must be None: CACE has no heads.
    precision
        ``float32`` or ``float64``; None: that of the file.

    Raises
    ------
    ConversionError
        If the model has a part that is not known.
    """
    if head is not None:
        raise ConversionError(f"{path}: --head {head}: a CACE model has no heads: leave it out")
    model = load_trusted(path, ("cace", "les"), _define_stand_ins, "CACE model")
    _require(
        type(model).__name__ == "NeuralNetworkPotential",
        path,
        f"a model of class {type(model).__name__}",
        "NeuralNetworkPotential",
    )
    cace = model.representation
    _require(type(cace).__name__ == "Cace", path, f"representation of class {type(cace).__name__}", "Cace")
    dtype = getattr(torch, precision) if precision else next(model.parameters()).dtype
    model = model.to(dtype)
    known = [chemical_symbols[int(z)] for z in cace.zs]
    species = choose_species(elements, known, path)
    rows = [known.index(symbol) for symbol in species]
    density, invariants = _density(cace, rows, path), _invariants(cace, dtype, path)
    messages = [_message(layer, density, path) for layer in cace.message_passing_list]
    energies, charges, les = _outputs(model, path)
    sender = cace.node_embedding_sender.embedding_weights.detach()[rows]
    network = build_stages(
        density,
        invariants,
        sender,
        float(cace.mp_norm_factor),
        messages,
        (Sum(energies), Sum(charges)),
        les is not None,
    )
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    metadata = Metadata(
        species=tuple(species),
        cutoff=float(cace.cutoff),
        message_passing_layers=len(messages),
        dtype=str(dtype).removeprefix("torch."),
        long_range=les.long_range if les else None,
        description=f"CACE model {path.name}",
        references=REFERENCES if les else REFERENCES[:1],
        message_features=list(network.message_features) if messages else [],
    )
    notes = [
        "a CACE file has no energies of isolated atoms: energies are without those that were subtracted in its training"
    ]
    if max(invariants.orders) > 2:
        notes.append(
            "invariants of more than two factors are taken in the order of the file; compare with labeled frames: pair-les evaluate"
        )
    return Converted(
        network=network.eval(),
        script=torch.jit.script,
        metadata=metadata,
        reference=None,
        package="CACE file",
        k_cutoff=les.k_cutoff if les else None,
        why_no_reference="the code of CACE is for non-commercial use and pair_les does not run it; compare with labeled frames (pair-les evaluate)",
        notes=notes,
    )


def _define_stand_ins(module: str, name: str) -> type | None:
    return inert_class(module, name) if module.split(".")[0] in ("cace", "les") else None


def _require(holds: bool, path: Path, what: str, only: str) -> None:
    if not holds:
        raise ConversionError(f"{path}: {what}: only {only} can be converted")


def _density(cace: Any, rows: list[int], path: Path) -> Density:
    """Build the density from the edge basis of the file; `rows` are the species."""
    for part, name in (
        ("radial_basis", "BesselRBF"),
        ("cutoff_fn", "PolynomialCutoff"),
        ("angular_basis", "AngularComponent"),
        ("radial_transform", "SharedRadialLinearTransform"),
        ("symmetrizer", "Symmetrizer"),
        ("edge_coding", "EdgeEncoder"),
        ("node_embedding_sender", "NodeEmbedding"),
        ("node_embedding_receiver", "NodeEmbedding"),
    ):
        found = type(getattr(cace, part)).__name__
        _require(found == name, path, f"{part} of class {found}", name)
    _require(bool(cace.edge_coding.directed), path, "edges without direction", "directed ones")
    known = {
        "node_onehot", "node_embedding_sender", "node_embedding_receiver", "edge_coding", "radial_basis", "cutoff_fn", "angular_basis",
        "radial_transform", "symmetrizer", "message_passing_list",
    }  # fmt: skip
    for name, child in cace.named_children():
        _require(
            name in known,
            path,
            f"module {name} of class {type(child).__name__}",
            "the parts of a plain CACE representation",
        )
    monomials = [tuple(exponents) for exponents in cace.l_list]
    degrees = [sum(exponents) for exponents in monomials]
    _require(degrees == sorted(degrees), path, "monomials that are not sorted by degree", "sorted ones")
    transform = [weight.detach() for weight in cace.radial_transform.weights]
    receiver = cace.node_embedding_receiver.embedding_weights.detach()[rows]
    n_channels = receiver.shape[1] * cace.node_embedding_sender.embedding_weights.shape[1]
    _require(
        len(transform) == max(degrees) + 1 and transform[0].shape[2] == n_channels,
        path,
        f"radial weights of shape {len(transform)} x {tuple(transform[0].shape)}",
        "one array for each degree with all chemical channels",
    )
    radial = Radial(
        cace.radial_basis.bessel_weights.detach().flatten(), float(cace.cutoff), float(cace.cutoff_fn.p)
    )
    return Density(radial, monomials, transform, receiver)


def _invariants(cace: Any, dtype: torch.dtype, path: Path) -> Invariants:
    """Build the invariants from the lists of products in the file."""
    place = 1
    terms: list[list[tuple[int, list[int], float]]] = [[(0, [0], 1.0)]]
    for order, invariants in cace.symmetrizer.indice_dict_allnu.items():
        of_order = []
        for products in invariants.values():
            for indices, coefficient in products:
                _require(
                    len(indices) == order,
                    path,
                    f"an invariant of order {order} with {len(indices)} factors",
                    "as many factors as its order",
                )
                of_order.append((place, list(indices), float(coefficient)))
            place += 1
        terms.append(of_order)
    return Invariants([order for order in terms if order], place, dtype)


def _message(layer: Any, density: Density, path: Path) -> nn.Module:
    """Build the function h of one message-passing layer."""
    kinds = {name: child for name, child in layer.named_children() if child is not None}
    for name, child in kinds.items():
        _require(
            name == MESSAGE and type(child).__name__ == "MessageBchi",
            path,
            f"messages of class {type(child).__name__}",
            "MessageBchi",
        )
    _require(MESSAGE in kinds, path, "a message-passing layer without messages", "MessageBchi")
    message = kinds[MESSAGE]
    for setting in ("shared_channels", "shared_l", "residual", "use_batchnorm"):
        _require(not getattr(message, setting, False), path, f"MessageBchi with {setting}", "without it")
    hidden = _layers(message.hnet, path)
    width = [layer for layer in hidden if isinstance(layer, nn.Linear)][-1].out_features
    _require(
        width == len(density.counts) * density.n_channels,
        path,
        f"messages of {width} numbers",
        "one for each degree and channel",
    )
    return hidden


def _layers(sequence: Any, path: Path) -> nn.Sequential:
    """A stack of ``Dense`` layers in plain torch."""
    layers: list[nn.Module] = []
    for dense in sequence:
        _require(type(dense).__name__ == "Dense", path, f"layer of class {type(dense).__name__}", "Dense")
        _require(
            not getattr(dense, "use_batchnorm", False), path, "a Dense layer with use_batchnorm", "without it"
        )
        layers.append(dense.linear)
        activation = getattr(dense, "activation", None)
        if activation is None or isinstance(activation, nn.Identity):
            continue
        name = getattr(activation, "__name__", type(activation).__name__).lower()
        _require(name in ACTIVATIONS, path, f"activation {name}", ", ".join(ACTIVATIONS))
        layers.append(ACTIVATIONS[name]())
    return nn.Sequential(*layers)


def _readout(atomwise: Any, path: Path) -> Readout:
    """Build the readout of an ``Atomwise`` module with one output per atom."""
    for setting in ("residual", "use_batchnorm", "post_process"):
        _require(not getattr(atomwise, setting, None), path, f"Atomwise with {setting}", "without it")
    _require(
        int(atomwise.n_out) == 1,
        path,
        f"Atomwise with n_out = {atomwise.n_out} (several charge channels)",
        "one output per atom",
    )
    _require(
        getattr(atomwise, "aggregation_mode", "sum") == "sum",
        path,
        f"aggregation_mode {getattr(atomwise, 'aggregation_mode', '')}",
        "sum",
    )
    linear = atomwise.linear_nn.linear if atomwise.add_linear_nn else None
    return Readout(
        _layers(atomwise.outnet, path), linear, float(getattr(atomwise, "output_scaling_factor", 1.0))
    )


def _outputs(model: Any, path: Path) -> tuple[list[nn.Module], list[nn.Module], LesSettings | None]:
    """Readouts of energies and charges that the model's total energy consists of, and its long-range settings."""
    modules: dict[str, Any] = {}
    total = None
    for module in model.output_modules:
        kind = type(module).__name__
        if kind == "Forces":
            total = module.energy_key
        elif kind in ("Atomwise", "FeatureAdd"):
            modules[module.output_key] = module
        elif kind == "LesWrapper":
            modules[module.energy_key] = module
        else:
            _require(
                False, path, f"output module of class {kind}", "Atomwise, LesWrapper, FeatureAdd and Forces"
            )
    for module in model.postprocessors:
        _require(
            False, path, f"postprocessor of class {type(module).__name__}", "a model without postprocessors"
        )
    _require(total is not None, path, "a model without forces", "a model with the output module Forces")
    energies: list[nn.Module] = []
    charges: list[nn.Module] = []
    settings: list[LesSettings] = []

    def add(key: str) -> None:
        _require(
            key in modules,
            path,
            f"the energy '{key}', which no output module gives",
            "a sum of Atomwise and LesWrapper",
        )
        module = modules[key]
        kind = type(module).__name__
        if kind == "FeatureAdd":
            for part in module.feature_keys:
                add(part)
        elif kind == "Atomwise":
            energies.append(_readout(module, path))
        else:
            settings.append(les_settings(module.les, (True,), path))
            charges.append(_readout(module.les.atomwise, path))

    add(total)
    _require(len(settings) < 2, path, f"{len(settings)} long-range sums", "one")
    return energies, charges, settings[0] if settings else None
