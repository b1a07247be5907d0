# SPDX-License-Identifier: MIT
"""Small MACE models of random weights, converted, and MACE's own answers: run by the tests where mace-torch is installed.

``python fresh_mace.py FOLDER``: for each model NAME of `MODELS` writes ``NAME.model``, ``NAME.pt`` of the model's precision,
for some ``NAME.32.pt``, what the conversion said (``NAME.log``) and ``NAME.npz`` with MACE's energies, forces, stresses and charges of ``frames.xyz``. ``refused.log`` has the errors of what cannot be
converted, a line each.
"""

from __future__ import annotations

import logging
import sys
import types
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ase.io import read

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)

import mace  # noqa: E402, F401 - before e3nn, which needs what it sets
from e3nn import o3  # noqa: E402
from mace import modules  # noqa: E402
from mace.modules import blocks  # noqa: E402
from pair_les.convert import convert  # noqa: E402
from pair_les.convert.mace.reference import calculator  # noqa: E402
from pair_les.errors import ConversionError  # noqa: E402

ELEMENTS = [1, 8, 11]
BASE = {
    "r_max": 3.5,
    "num_bessel": 4,
    "num_polynomial_cutoff": 5,
    "max_ell": 2,
    "interaction_cls": blocks.RealAgnosticResidualInteractionBlock,
    "interaction_cls_first": blocks.RealAgnosticResidualInteractionBlock,
    "num_interactions": 2,
    "num_elements": len(ELEMENTS),
    "hidden_irreps": o3.Irreps("6x0e"),
    "MLP_irreps": o3.Irreps("4x0e"),
    "atomic_energies": np.array([-13.6, -2043.0, -70045.25]),
    "avg_num_neighbors": 9.0,
    "atomic_numbers": ELEMENTS,
    "correlation": 2,
    "gate": torch.nn.functional.silu,
    "radial_MLP": [8, 8],
    "atomic_inter_scale": 0.8,
    "atomic_inter_shift": 0.1,
}
TWO_HEADS = {
    "heads": ["pbe", "Default"],
    "atomic_energies": np.array([[-1.0, -2.0, -3.0], [-13.6, -2043.0, -7.0]]),
    "atomic_inter_scale": [0.8, 1.3],
    "atomic_inter_shift": [0.1, -0.2],
}
MODELS: dict[str, dict[str, Any]] = {
    "vectors": {
        "hidden_irreps": o3.Irreps("4x0e+4x1o"),
        "interaction_cls_first": blocks.RealAgnosticInteractionBlock,
        "num_interactions": 3,
        "pair_repulsion": True,
        "distance_transform": "Agnesi",
    },
    "tensors": {
        "hidden_irreps": o3.Irreps("4x0e+4x1o+4x2e"),
        "interaction_cls": blocks.RealAgnosticDensityResidualInteractionBlock,
        "interaction_cls_first": blocks.RealAgnosticDensityInteractionBlock,
        "apply_cutoff": False,
        **TWO_HEADS,
    },
    "gated": {
        "hidden_irreps": o3.Irreps("4x0e+4x1o"),
        "interaction_cls": blocks.RealAgnosticResidualNonLinearInteractionBlock,
        "interaction_cls_first": blocks.RealAgnosticResidualNonLinearInteractionBlock,
        "readout_cls": blocks.NonLinearBiasReadoutBlock,
        "apply_cutoff": False,
        "use_last_readout_only": True,
        "use_agnostic_product": True,
    },
    "attention": {
        "interaction_cls": blocks.RealAgnosticAttResidualInteractionBlock,
        "interaction_cls_first": blocks.RealAgnosticAttResidualInteractionBlock,
    },
    "unscaled": {"num_interactions": 1},
    "charges": {"hidden_irreps": o3.Irreps("4x0e+4x1o")},
}
HEADS = {"tensors": "pbe"}
SINGLE = ("vectors", "charges")
"""Also converted to float32."""


class Empty(torch.nn.Module):
    """Stands for a class of a package that the tests do not have."""


def les_class(module: str, name: str) -> type:
    """A class that is pickled as ``module.name``."""
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        name_so_far = ".".join(parts[:depth])
        known = sys.modules.setdefault(name_so_far, types.ModuleType(name_so_far))
    made = type(name, (Empty,), {"__module__": module})
    setattr(known, name, made)
    return made


def add_charges(model: torch.nn.Module, **settings: object) -> None:
    """What makes a MACELES of a ScaleShiftMACE: charge readouts, and an object of the package `les` with its settings."""
    les, ewald = les_class("les.les", "Les")(), les_class("les.module.ewald", "Ewald")()
    ewald.dl, ewald.sigma, ewald.remove_self_interaction, ewald.norm_factor = 2.0, 1.2, True, 90.4756
    les.ewald, les.sigma, les.dl, les.remove_mean = ewald, 1.2, 2.0, True
    for name, value in settings.items():
        setattr(les, name, value)
    model.les, model.compute_bec, model.bec_output_index = les, False, None
    model.les_readouts = torch.nn.ModuleList(
        [
            blocks.LinearReadoutBlock(model.readouts[0].linear.irreps_in, o3.Irreps("1x0e")),
            blocks.NonLinearReadoutBlock(
                model.readouts[1].linear_1.irreps_in, o3.Irreps("4x0e"), torch.nn.functional.silu
            ),
        ]
    )
    name = "MACELES"
    model.__class__ = type(name, (modules.ScaleShiftMACE,), {"__module__": "mace.modules.models"})
    modules.models.MACELES = model.__class__


def fresh(name: str) -> torch.nn.Module:
    """A model of random weights."""
    torch.manual_seed(1)
    options = {**BASE, **MODELS[name]}
    if name == "unscaled":
        del options["atomic_inter_scale"], options["atomic_inter_shift"]
        return modules.MACE(**options)
    model = modules.ScaleShiftMACE(**options)
    if name == "charges":
        add_charges(model)
    return model


class NewInteractionBlock(blocks.RealAgnosticResidualInteractionBlock):
    """A block of a version to come."""


def refusals(folder: Path) -> list[str]:
    """Messages of what cannot be converted."""
    multipoles = modules.ScaleShiftMACE(**BASE)
    add_charges(multipoles, use_dipole=True)
    torch.save(multipoles, folder / "multipoles.model")
    newer = modules.ScaleShiftMACE(**BASE)
    newer.interactions[1].__class__ = blocks.NewInteractionBlock = NewInteractionBlock
    NewInteractionBlock.__module__ = "mace.modules.blocks"
    torch.save(newer, folder / "newer.model")
    left_out = ("atomic_inter_scale", "atomic_inter_shift")
    options = {key: value for key, value in BASE.items() if key not in left_out}
    options["hidden_irreps"] = o3.Irreps("4x0e+4x1o")
    options["MLP_irreps"] = o3.Irreps("4x0e+4x1o")
    torch.save(modules.EnergyDipolesMACE(**options), folder / "dipoles.model")
    said = []
    for name, choice in (
        ("multipoles", {}),
        ("newer", {}),
        ("dipoles", {}),
        ("tensors", {"head": "cc"}),
        ("vectors", {"elements": ["Cl"]}),
    ):
        try:
            convert(
                folder / f"{name}.model",
                folder / "never.pt",
                trust_pickle=True,
                say=lambda line: None,
                **choice,
            )
            said.append(f"{name}: not refused")
        except ConversionError as error:
            said.append(str(error))
    return said


def main(folder: Path) -> None:
    torch.set_default_dtype(torch.float64)
    frames = read(folder / "frames.xyz", ":")
    for name in sys.argv[2:] or MODELS:
        model = fresh(name)
        torch.save(model, folder / f"{name}.model")
        said: list[str] = []
        head = HEADS.get(name)
        for ending, precision in (("", None), (".32", "float32"))[: 2 if name in SINGLE else 1]:
            convert(
                folder / f"{name}.model",
                folder / f"{name}{ending}.pt",
                elements=["Na", "O", "H"],
                head=head,
                precision=precision,
                trust_pickle=True,
                say=said.append,
            )
        (folder / f"{name}.log").write_text("\n".join(said) + "\n")
        number = model.heads.index(head) if head else model.heads.index(model.heads[0])
        reference = calculator(model.eval(), number, len(model.heads) > 1)
        answers = [reference(frame) for frame in frames]
        stresses = [
            answer.stress if answer.stress is not None else np.full((3, 3), np.nan) for answer in answers
        ]
        charges = [answer.charges if answer.charges is not None else np.zeros(0) for answer in answers]
        np.savez(
            folder / f"{name}.npz",
            energy=[answer.energy for answer in answers],
            forces=np.concatenate([answer.forces for answer in answers]),
            stress=np.array(stresses),
            charges=np.concatenate(charges),
        )
    (folder / "refused.log").write_text("\n".join(refusals(folder)) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
