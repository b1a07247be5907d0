# SPDX-License-Identifier: MIT
"""A MACE or MACE-LES model file to the contract.

MACE-LES files (class MACELES, of mace-torch or of its fork) are read without the package `les`: their long-range settings are
attributes of an object whose class is replaced by an empty one, and the sum is that of pair_les.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ...errors import ConversionError
from ...model_file.metadata import Metadata
from ..converted import Converted
from ..environment import import_package
from ..les import les_settings
from ..pickles import inert_class, load_trusted
from ..scripting import script_with_e3nn
from ..species import choose_species
from ..stages import LocalNetwork
from .fused_network import build_fused
from .interactions import INTERACTIONS
from .layer_weights import NotFused
from .network import build_stages
from .reference import calculator

PACKAGES = ("mace", "e3nn", "opt_einsum_fx", "torch_ema", "ase")
"""Packages whose names a pickled MACE model may use."""

MODELS = ("MACE", "ScaleShiftMACE", "MACELES")
READOUTS = ("LinearReadoutBlock", "NonLinearReadoutBlock", "NonLinearBiasReadoutBlock")

REFERENCES = (
    "I. Batatia et al., NeurIPS 35 (2022), arXiv:2206.07697 (MACE)",
    "B. Cheng, npj Comput. Mater. 11 (2025), doi:10.1038/s41524-025-01577-7 (latent Ewald summation)",
)


def read(path: Path, elements: Sequence[str] | None, head: str | None, precision: str | None) -> Converted:
    """Read a whole MACE model.

    Parameters
    ----------
    path
        File of ``torch.save(model)``, as ``mace_run_train`` writes it.
    elements
        Species of the model file; None: all that the model knows.
    head
        Name of the head; None: the only one, or "default".
    precision
        ``float32`` or ``float64``; None: that of the file.

    Raises
    ------
    ConversionError
        If mace-torch is not installed, or the model cannot be converted.
    """
    version = import_package("mace.modules", "mace-torch")
    model = load_trusted(path, PACKAGES, _define_stand_ins, "MACE model")
    name = type(model).__name__
    if not isinstance(model, torch.nn.Module):
        raise ConversionError(
            f"{path}: holds a {name}, not a model: give the .model file that MACE writes beside its checkpoints"
        )
    if name not in MODELS:
        raise ConversionError(f"{path}: a model of class {name}: only {', '.join(MODELS)} can be converted")
    _require_convertible(model, path)
    les = None
    if name == "MACELES":
        les = les_settings(model.les, (False,), path)
        _require_one_charge(model, path)
        del model.les
    energies = torch.atleast_2d(model.atomic_energies_fn.atomic_energies).double()  # as the file has them
    dtype = getattr(torch, precision) if precision else next(model.parameters()).dtype
    model = model.to(dtype).eval()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    number = _head(model, head, path)
    from ase.data import chemical_symbols

    known = [chemical_symbols[int(z)] for z in model.atomic_numbers]
    species = choose_species(elements, known, path)
    row = number if len(energies) > 1 else 0
    indices = [known.index(symbol) for symbol in species]
    network = build_stages(model, indices, number)
    fused, why_not_fused = _fused(model, indices, network)
    n_layers = len(model.interactions)
    metadata = Metadata(
        species=tuple(species),
        cutoff=float(model.r_max),
        message_passing_layers=n_layers - 1,
        dtype=str(dtype).removeprefix("torch."),
        long_range=les.long_range if les else None,
        description=f"{name} of {path.name}",
        references=REFERENCES if les else REFERENCES[:1],
        reference_energies={
            symbol: float(energies[row][k]) for symbol, k in zip(species, indices, strict=True)
        },
        message_features=list(network.message_features) if n_layers > 1 else [],
    )
    return Converted(
        network=network.eval(),
        script=script_with_e3nn,
        metadata=metadata,
        reference=calculator(model, number, len(_heads(model)) > 1),
        package=f"mace-torch {version}",
        k_cutoff=les.k_cutoff if les else None,
        notes=[f"without fused operators: {why_not_fused}"] if fused is None else [],
        fused=fused,
    )


def _fused(
    model: torch.nn.Module, indices: list[int], plain: LocalNetwork
) -> tuple[torch.nn.Module | None, str]:
    """The fused form in eval mode; None and the reason where it has none."""
    try:
        return build_fused(model, indices, plain).eval(), ""
    except NotFused as reason:
        return None, str(reason)


def _define_stand_ins(module: str, name: str) -> type | None:
    """Classes of ours for MACELES and for everything of `les`."""
    if name == "MACELES" and module.startswith("mace."):
        from mace.modules.models import ScaleShiftMACE

        return type("MACELES", (ScaleShiftMACE,), {"__module__": "pair_les.convert.stand_in"})
    if module.split(".")[0] == "les":
        return inert_class(module, name)
    return None


def _require_convertible(model: torch.nn.Module, path: Path) -> None:
    """Raise `ConversionError` that names the first part that has no place in the contract or is not known."""
    if hasattr(model, "joint_embedding") or getattr(model, "embedding_specs", None):
        inputs = ", ".join(getattr(model, "embedding_specs", None) or ["unknown ones"])
        raise ConversionError(
            f"{path}: the model has inputs beside positions and elements ({inputs}): such models cannot be converted"
        )
    for part in model.modules():
        module, name = type(part).__module__, type(part).__name__
        for setting, package in (("cueq_config", "cuEquivariance"), ("oeq_config", "OpenEquivariance")):
            if getattr(getattr(part, setting, None), "enabled", False):
                raise ConversionError(
                    f"{path}: its weights are in the layout of {package}: convert them first, mace_cueq_to_e3nn"
                )
        if "cuequivariance" in module or "openequivariance" in module:
            raise ConversionError(
                f"{path}: contains {name} of {module.split('.')[0]}: convert it to e3nn first, mace_cueq_to_e3nn"
            )
        if name.startswith("LoRA"):
            raise ConversionError(
                f"{path}: contains {name}: merge the adapters into the weights first (mace.modules.lora.merge_lora_weights)"
            )
    for block in model.interactions:
        _require_known(type(block).__name__, INTERACTIONS, "interaction block", path)
    for block in [*model.readouts, *getattr(model, "les_readouts", [])]:
        _require_known(type(block).__name__, READOUTS, "readout", path)
    if len(model.readouts) not in (1, len(model.interactions)):
        raise ConversionError(
            f"{path}: {len(model.readouts)} readouts for {len(model.interactions)} layers: only one each, or one at the end, can be converted"
        )


def _require_known(name: str, known: Any, what: str, path: Path) -> None:
    if name not in known:
        raise ConversionError(f"{path}: {what} of class {name}: only {', '.join(known)} can be converted")


def _heads(model: torch.nn.Module) -> list[str]:
    heads = getattr(model, "heads", None)
    return [str(head) for head in heads] if heads else ["default"]


def _head(model: torch.nn.Module, head: str | None, path: Path) -> int:
    """Position of the head."""
    heads = _heads(model)
    if head is None:
        found = [number for number, name in enumerate(heads) if name.lower() == "default"]
        if len(heads) == 1:
            return 0
        if not found:
            raise ConversionError(
                f"{path}: the model has the heads {', '.join(heads)}: choose one with --head"
            )
        return found[0]
    if head not in heads:
        raise ConversionError(f"{path}: --head {head}: the model has {', '.join(heads)}")
    return heads.index(head)


def _require_one_charge(model: torch.nn.Module, path: Path) -> None:
    """Raise `ConversionError` where a charge readout has more than one output for each head."""
    for readout in model.les_readouts:
        linear = readout.linear if hasattr(readout, "linear") else readout.linear_2
        if linear.irreps_out.dim != len(_heads(model)):
            raise ConversionError(
                f"{path}: a charge readout has {linear.irreps_out.dim} channels: only one charge per atom can be converted"
            )
