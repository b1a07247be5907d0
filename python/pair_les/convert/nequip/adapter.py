# SPDX-License-Identifier: MIT
"""A NequIP or Allegro checkpoint (``.ckpt``) or package file (``.nequip.zip``) to the contract."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from ase.data import chemical_symbols

from ...errors import ConversionError
from ...installation.process_state import default_dtype, silenced
from ...model_file.metadata import Metadata
from ..converted import Converted
from ..environment import import_package
from ..pickles import require_names
from ..scripting import script_with_e3nn
from ..sources import is_nequip_package
from ..species import choose_species
from .allegro_network import build_allegro
from .nequip_network import build_nequip, count_layers
from .reference import calculator

OLDEST = {"nequip": (0, 17), "nequip-allegro": (0, 8)}
"""Versions whose modules are those that are read here."""

REFERENCES = {
    "nequip": "S. Batzner et al., Nat. Commun. 13, 2453 (2022), doi:10.1038/s41467-022-29939-5 (NequIP)",
    "allegro": "A. Musaelian et al., Nat. Commun. 14, 579 (2023), doi:10.1038/s41467-023-36329-y (Allegro)",
}

_SHARED = {
    "edge_norm": ("EdgeLengthNormalizer",),
    "per_type_energy_scale_shift": ("PerTypeScaleShift",),
    "total_energy_sum": ("AtomwiseReduce",),
}
_NEQUIP = {
    "type_embed": ("NodeTypeEmbed",),
    "spharm": ("SphericalHarmonicEdgeAttrs",),
    "bessel_encode": ("BesselEdgeLengthEncoding",),
    "factor": ("ApplyFactor",),
    "per_atom_energy_readout": ("ScalarMLP",),
    **_SHARED,
}
_ALLEGRO = {
    "radial_chemical_embed": ("SequentialGraphNetwork", "TwoBodySplineScalarEmbed"),
    "scalar_embed_mlp": ("ScalarMLP",),
    "tensor_embed": ("TwoBodySphericalHarmonicTensorEmbed",),
    "allegro": ("Allegro_Module",),
    "edge_readout": ("ScalarMLP",),
    "edge_eng_sum": ("EdgewiseReduce",),
    **_SHARED,
}
_OPTIONAL = {"pair_potential": ("ZBL",), "cutoff": ("AddRadialCutoffToData",)}
"""Names of the modules of a model, and the classes that are known for each."""

PACKAGES = ("nequip", "allegro", "e3nn", "torch", "numpy", "lightning", "torchmetrics", "omegaconf", "typing")
"""Packages whose names a checkpoint may use."""

_LAYER = re.compile(r"layer\d+_convnet")


def read(path: Path, elements: Sequence[str] | None, head: str | None, precision: str | None) -> Converted:
    """Read a NequIP or Allegro model; its code or configuration runs.

    Parameters
    ----------
    path
        Checkpoint of ``nequip-train``, or file of ``nequip-package``.
    elements
        Species of the model file; None: all that the model knows.
    head
        Which model, where the file holds several.
    precision
        ``float32`` or ``float64``; None: that of the file.

    Raises
    ------
    ConversionError
        If nequip is not installed, or the model cannot be converted.
    """
    version = import_package("nequip.model", "nequip")
    _require_version("nequip", version, path)
    if not is_nequip_package(path):
        require_names(path, PACKAGES, "NequIP checkpoint")
    with default_dtype(torch.float64), silenced():  # which nequip sets for the process
        models = _load(path, version)
    model = _choose(models, head, path)
    parts = _parts(model, path)
    is_allegro = "allegro" in parts
    package = f"nequip {version}"
    if is_allegro and not is_nequip_package(path):
        allegro = import_package("allegro.model", "nequip-allegro")
        _require_version("nequip-allegro", allegro, path)
        package = f"nequip-allegro {allegro}"
    names = [str(name) for name in model.type_names]
    unknown = [name for name in names if name not in chemical_symbols[1:]]
    if unknown:
        raise ConversionError(
            f"{path}: its type {unknown[0]} is no chemical symbol: only models with one type for each element can be converted"
        )
    species = choose_species(elements, names, path)
    types = [names.index(symbol) for symbol in species]
    dtype = getattr(torch, precision) if precision else model.model_dtype
    shifts = parts["per_type_energy_scale_shift"].shifts.detach().double().reshape(-1).tolist() or [0.0]
    build = build_allegro if is_allegro else build_nequip
    try:
        with default_dtype(dtype), _scriptable_e3nn():
            network = build(parts, types).to(dtype).eval()
    except ConversionError as error:
        raise ConversionError(f"{path}: {error}") from error
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    n_layers = 1 if is_allegro else count_layers(parts)
    metadata = Metadata(
        species=tuple(species),
        cutoff=float(model.metadata["r_max"]),
        message_passing_layers=n_layers - 1,
        dtype=str(dtype).removeprefix("torch."),
        long_range=None,
        description=f"{'Allegro' if is_allegro else 'NequIP'} {path.name}",
        references=(REFERENCES["allegro" if is_allegro else "nequip"],),
        reference_energies={
            symbol: shifts[kind if len(shifts) > 1 else 0]
            for symbol, kind in zip(species, types, strict=True)
        },
        message_features=list(network.message_features) if n_layers > 1 else [],
    )
    return Converted(
        network=network,
        script=script_with_e3nn,
        metadata=metadata,
        reference=calculator(model),
        reference_precision=str(model.model_dtype).removeprefix("torch."),
        package=package,
        notes=("energies and lengths are taken as eV and A: nequip has no units",),
    )


def _require_version(distribution: str, version: str, path: Path) -> None:
    oldest = OLDEST[distribution]
    if tuple(int(number) for number in re.findall(r"\d+", version)[:2]) < oldest:
        raise ConversionError(
            f"{path}: {distribution} {version} is installed: models of {'.'.join(map(str, oldest))} and newer can be "
            f"converted: pip install '{distribution}>={'.'.join(map(str, oldest))}'"
        )


def _load(path: Path, version: str) -> Any:
    """The models of a file by their names."""
    from nequip.model.saved_models import ModelFromCheckpoint, ModelFromPackage
    from nequip.utils.global_state import set_global_state

    try:
        set_global_state()
        load = ModelFromPackage if is_nequip_package(path) else ModelFromCheckpoint
        return load(str(path))
    except Exception as error:  # any exception of nequip, hydra, torch or the network
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ConversionError(
            f"{path}: nequip {version} cannot read this file ({reason}): install the version that wrote it"
        ) from error


def _choose(models: Any, head: str | None, path: Path) -> Any:
    """The model of this name, or the only one."""
    names = list(models.keys())
    if head is None and len(names) == 1:
        return models[names[0]].eval()
    if head not in names or len(names) == 1:
        given = "" if head is None else f"--head {head}: "
        what = (
            "one model only: leave --head out"
            if len(names) == 1
            else f"the models {', '.join(names)}: choose one with --head"
        )
        raise ConversionError(f"{path}: {given}the file holds {what}")
    return models[head].eval()


def _parts(model: Any, path: Path) -> dict[str, Any]:
    """Modules of a model by their names.

    Raises
    ------
    ConversionError
        That names the first module that is not known.
    """
    derivatives = model.model
    if type(derivatives).__name__ != "ForceStressOutput":
        raise ConversionError(
            f"{path}: a model of class {type(derivatives).__name__}: only NequIP and Allegro models of energies can be converted"
        )
    parts = dict(derivatives.func.named_children())
    known = _ALLEGRO if "allegro" in parts else _NEQUIP
    for name in known:
        if name not in parts:
            raise ConversionError(
                f"{path}: the model has no module {name}: it is of another architecture, which cannot be converted"
            )
    for name, module in parts.items():
        kind = type(module).__name__
        if _LAYER.fullmatch(name) and known is _NEQUIP:
            _require_convolution(module, path)
        elif kind not in (known.get(name) or _OPTIONAL.get(name) or ()):
            raise ConversionError(
                f"{path}: module {name} of class {kind} is not known: such models cannot be converted"
            )
    if getattr(parts.get("type_embed"), "do_categorical_graph_field_embed", False):
        raise ConversionError(
            f"{path}: the model has inputs beside positions and elements: such models cannot be converted"
        )
    total = parts["total_energy_sum"]
    if total.reduce != "sum" or total.constant != 1.0:
        raise ConversionError(f"{path}: its energy is no sum over atoms: such models cannot be converted")
    return parts


def _require_convolution(layer: Any, path: Path) -> None:
    for module, known in (
        (layer, "ConvNetLayer"),
        (layer.conv, "InteractionBlock"),
        (layer.conv.tp_scatter, "TensorProductScatter"),
    ):
        if type(module).__name__ != known:
            raise ConversionError(
                f"{path}: a convolution with {type(module).__name__}: only {known} of nequip can be converted"
            )


@contextmanager
def _scriptable_e3nn() -> Iterator[None]:
    """Let e3nn build modules that have TorchScript; nequip asks it for others."""
    from e3nn import get_optimization_defaults, set_optimization_defaults

    before = dict(get_optimization_defaults())
    wanted = {"jit_mode": "script", "jit_script_fx": True}
    set_optimization_defaults(**{name: value for name, value in wanted.items() if name in before})
    try:
        yield
    finally:
        set_optimization_defaults(**before)
