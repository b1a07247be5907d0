# SPDX-License-Identifier: MIT
"""A SevenNet checkpoint, or one of the models in the wheel of sevenn by its name, to the contract."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from ase import Atoms
from ase.data import chemical_symbols

from ...errors import ConversionError
from ...installation.process_state import silenced
from ...model_file.metadata import Metadata
from ..ase_reference import evaluate_frame
from ..converted import Converted, Reference
from ..environment import import_package
from ..scripting import script_with_e3nn
from ..species import choose_species
from .network import SELF_CONNECTIONS, build_stages

REFERENCES = ("Y. Park et al., J. Chem. Theory Comput. 20 (2024), doi:10.1021/acs.jctc.4c00190 (SevenNet)",)


def read(path: Path, elements: Sequence[str] | None, head: str | None, precision: str | None) -> Converted:
    """Read a SevenNet checkpoint.

    Parameters
    ----------
    path
        Checkpoint file, or a name such as ``7net-0`` of a model that sevenn brings.
    elements
        Species of the model file; None: all that the model knows.
    head
        Name of the modality of a multi-fidelity model.
    precision
        ``float32`` or ``float64``; None: that of the file.

    Raises
    ------
    ConversionError
        If sevenn is not installed, or the model cannot be converted.
    """
    version = import_package("sevenn.checkpoint", "sevenn")
    import sevenn.util

    with silenced():
        try:
            file = str(path) if path.is_file() else sevenn.util.pretrained_name_to_path(str(path))
            checkpoint = sevenn.util.load_checkpoint(file)
            model, config = checkpoint.build_model(), checkpoint.config
        except Exception as error:  # any exception of sevenn, torch or the network
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise ConversionError(
                f"{path}: sevenn {version} cannot read this checkpoint ({reason}): install the version that wrote it"
            ) from error
    parts = dict(model.named_children())
    n_layers = int(config["num_convolution_layer"])
    _require_convertible(parts, n_layers, path)
    modality = _modality(model, head, path)
    dtype = getattr(torch, precision) if precision else torch.float32
    type_map = {chemical_symbols[z]: number for z, number in config["_type_map"].items()}
    species = choose_species(elements, sorted(type_map, key=lambda symbol: type_map[symbol]), path)
    kinds = [type_map[symbol] for symbol in species]
    shift, scale = (
        _values_by_species(parts["rescale_atomic_energy"], name, modality, kinds)
        for name in ("shift", "scale")
    )
    model = model.to(dtype).eval()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    one_hot = torch.eye(len(type_map), dtype=dtype)[kinds]
    network = build_stages(parts, n_layers, one_hot, torch.tensor(scale, dtype=dtype), modality)
    metadata = Metadata(
        species=tuple(species),
        cutoff=float(config["cutoff"]),
        message_passing_layers=n_layers - 1,
        dtype=str(dtype).removeprefix("torch."),
        long_range=None,
        description=f"SevenNet {path.name}",
        references=REFERENCES,
        reference_energies=dict(zip(species, shift, strict=True)),
        message_features=list(network.message_features) if n_layers > 1 else [],
    )
    return Converted(
        network=network.eval(),
        script=script_with_e3nn,
        metadata=metadata,
        reference=_calculator(file, head),
        reference_precision="float32",
        package=f"sevenn {version}",
    )


def _require_convertible(parts: dict[str, torch.nn.Module], n_layers: int, path: Path) -> None:
    """Raise `ConversionError` that names the first module that is not known."""
    expected = {
        "edge_embedding",
        "onehot_idx_to_onehot",
        "onehot_to_feature_x",
        "rescale_atomic_energy",
        "reduce_total_enegy",
        "force_output",
    }
    optional = {"one_hot_modality", "reduce_input_to_hidden", "reduce_hidden_to_energy", "readout_FCN"}
    for number in range(n_layers):
        for name in (
            "self_connection_intro",
            "self_interaction_1",
            "convolution",
            "self_interaction_2",
            "self_connection_outro",
            "equivariant_gate",
        ):
            expected.add(f"{number}_{name}")
    for name in sorted(expected - set(parts)):
        raise ConversionError(
            f"{path}: the model has no module {name}: it is of another architecture, which cannot be converted"
        )
    for name in sorted(set(parts) - expected - optional):
        raise ConversionError(
            f"{path}: module {name} of class {type(parts[name]).__name__} is not known: such models cannot be converted"
        )
    for number in range(n_layers):
        kind = type(parts[f"{number}_self_connection_intro"]).__name__
        if kind not in SELF_CONNECTIONS:
            raise ConversionError(
                f"{path}: self-connection of class {kind}: only {', '.join(SELF_CONNECTIONS)} can be converted"
            )
        if type(parts[f"{number}_convolution"]).__name__ != "IrrepsConvolution":
            raise ConversionError(
                f"{path}: its convolutions are those of an accelerator: give the checkpoint as it was trained with e3nn"
            )


def _modality(model: torch.nn.Module, head: str | None, path: Path) -> int:
    """Index of the modality; 0 for a model of one."""
    known: Any = model.modal_map or {}
    if not known:
        if head is not None:
            raise ConversionError(f"{path}: --head {head}: this model has no modalities: leave it out")
        return 0
    if head is None or head not in known:
        given = "" if head is None else f"--head {head}: "
        raise ConversionError(
            f"{path}: {given}the model has the modalities {', '.join(known)}: choose one with --head"
        )
    return int(known[head])


def _values_by_species(module: torch.nn.Module, name: str, modality: int, kinds: list[int]) -> list[float]:
    """Shift or scale of each species, eV, from one number, a list by type, or one by modality and type."""
    values = getattr(module, name).detach().double()
    if values.dim() == 2:
        values = values[modality]
    return [float(values[0 if len(values) == 1 else kind]) for kind in kinds]


def _calculator(file: str, head: str | None) -> Callable[[Atoms], Reference]:
    """A function that runs ``sevenn.calculator.SevenNetCalculator`` on a frame, in float32."""
    from sevenn.calculator import SevenNetCalculator

    with silenced():
        ase_calculator = SevenNetCalculator(file, device="cpu", **({"modal": head} if head else {}))
    return partial(evaluate_frame, ase_calculator)
