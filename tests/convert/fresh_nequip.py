# SPDX-License-Identifier: MIT
"""Small NequIP and Allegro models of random weights, converted, and NequIP's own answers: run by the tests where nequip is installed.

``python fresh_nequip.py FOLDER``: for each NAME writes the checkpoint or package, ``NAME.pt``, ``NAME.log`` and ``NAME.npz`` for
``frames.xyz``; ``refused.log`` has the lines of what cannot be converted.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ase.io import read

warnings.simplefilter("ignore")

import lightning  # noqa: E402
import nequip  # noqa: E402
import yaml  # noqa: E402
from nequip.integrations.ase import NequIPCalculator  # noqa: E402
from nequip.model.saved_models import ModelFromCheckpoint  # noqa: E402
from nequip.scripts._package_utils import (  # noqa: E402
    _EXTERNAL_MODULES,
    _INTERNAL_MODULES,
    _MOCK_MODULES,
)
from nequip.train import NequIPLightningModule  # noqa: E402
from nequip.utils import get_current_code_versions  # noqa: E402
from nequip.utils.global_state import set_global_state  # noqa: E402
from pair_les.convert import convert  # noqa: E402
from pair_les.errors import ConversionError  # noqa: E402

TYPES = ["H", "Na", "O"]
COMMON = {
    "seed": 1,
    "model_dtype": "float64",
    "type_names": TYPES,
    "r_max": 3.5,
    "avg_num_neighbors": 12.0,
    "per_type_energy_scales": {"H": 1.5, "Na": 1.0, "O": 2.0},
    "per_type_energy_shifts": {"H": -13.5, "Na": -7.25, "O": -2043.0},
}
ZBL = {"_target_": "nequip.nn.pair_potential.ZBL", "units": "metal", "chemical_species": TYPES}
PER_TYPE = {"H": 3.0, "O": {"H": 2.8, "O": 3.5, "Na": 3.2}}
BESSEL = {"_target_": "allegro.nn.TwoBodyBesselScalarEmbed", "num_bessels": 4}
SPLINE = {"_target_": "allegro.nn.TwoBodySplineScalarEmbed", "num_splines": 6, "spline_span": 4}

NEQUIP = {
    **COMMON,
    "_target_": "nequip.model.NequIPGNNModel",
    "num_layers": 3,
    "num_features": 4,
    "radial_mlp_width": 8,
}
ALLEGRO = {
    **COMMON,
    "_target_": "allegro.model.AllegroModel",
    "num_layers": 2,
    "num_scalar_features": 8,
    "num_tensor_features": 4,
    "allegro_mlp_hidden_layers_width": 8,
    "readout_mlp_hidden_layers_width": 8,
}
MODELS: dict[str, dict[str, Any]] = {
    "parity": {**NEQUIP, "l_max": 1, "parity": True},
    "types": {
        **NEQUIP,
        "num_layers": 2,
        "l_max": 2,
        "parity": False,
        "num_features": [4, 3, 2],
        "per_edge_type_cutoff": PER_TYPE,
        "avg_num_neighbors": {"H": 9.0, "Na": 12.0, "O": 15.0},
        "pair_potential": ZBL,
        "readout_mlp_hidden_layers_depth": 1,
        "readout_mlp_hidden_layers_width": 6,
    },
    "single": {
        **NEQUIP,
        "model_dtype": "float32",
        "num_layers": 2,
        "convnet_resnet": True,
        "per_type_energy_shifts": -4.0,
    },
    "one_layer": {**NEQUIP, "num_layers": 1, "per_type_energy_scales": None},
    "allegro": {**ALLEGRO, "l_max": 2, "parity": True, "radial_chemical_embed": BESSEL},
    "allegro_spline": {
        **ALLEGRO,
        "l_max": 1,
        "parity": False,
        "radial_chemical_embed": SPLINE,
        "tp_path_channel_coupling": False,
        "per_edge_type_cutoff": PER_TYPE,
        "avg_num_neighbors": {"H": 9.0, "Na": 12.0, "O": 15.0},
        "pair_potential": ZBL,
    },
}
"""Of which "types" and "allegro" also as a package."""

REFUSED = {
    "lennard_jones": {
        **NEQUIP,
        "num_layers": 1,
        "pair_potential": {
            "_target_": "nequip.nn.pair_potential.LennardJones",
            "lj_sigma": 1.0,
            "lj_epsilon": 0.1,
        },
    },
    "named_types": {
        **NEQUIP,
        "num_layers": 1,
        "type_names": ["H", "water"],
        "per_type_energy_scales": None,
        "per_type_energy_shifts": None,
    },
    "norms": {**NEQUIP, "num_layers": 1, "convnet_nonlinearity_type": "norm"},
}


def write_checkpoint(file: Path, model: dict[str, Any]) -> None:
    """A checkpoint as ``nequip-train`` writes it, of a model that is not trained."""
    info = {
        "versions": get_current_code_versions(verbose=False),
        "training_module": {"_target_": "nequip.train.NequIPLightningModule"},
        "data": {"_target_": "nequip.data.datamodule.ASEDataModule"},
        "run": ["train"],
    }
    module = NequIPLightningModule(
        model=model, num_datasets={"train": 1, "val": 1, "test": 0, "predict": 0}, info_dict=info
    )
    trainer = lightning.Trainer(
        logger=False, enable_checkpointing=False, accelerator="cpu", enable_progress_bar=False
    )
    trainer.strategy.connect(module)
    trainer.save_checkpoint(file, weights_only=True)


def write_package(checkpoint: Path, file: Path) -> None:
    """A package as ``nequip-package`` writes it, without its data set."""
    model = ModelFromCheckpoint(str(checkpoint))
    metadata = {
        "versions": get_current_code_versions(verbose=False),
        "package_version_id": 2,
        "available_models": ["eager"],
        "atom_types": dict(enumerate(TYPES)),
    }
    with torch.package.PackageExporter(file) as exporter:
        exporter.mock([f"{name}.**" for name in _MOCK_MODULES])
        exporter.extern([f"{name}.**" for name in _EXTERNAL_MODULES])
        exporter.intern([f"{name}.**" for name in _INTERNAL_MODULES])
        exporter.save_text("model", "package_metadata.txt", yaml.dump(metadata))
        exporter.save_pickle("model", "eager_model.pkl", model, dependencies=True)


def answers(checkpoint: Path, frames: list[Any]) -> dict[str, Any]:
    calculator = NequIPCalculator._from_saved_model(str(checkpoint), chemical_species_to_atom_type_map=True)
    energies, forces, stresses = [], [], []
    for frame in frames:
        frame.calc = calculator
        energies.append(float(frame.get_potential_energy()))
        forces.append(frame.get_forces())
        stresses.append(frame.get_stress(voigt=False) if frame.pbc.all() else np.full((3, 3), np.nan))
    return {"energy": energies, "forces": np.concatenate(forces), "stress": stresses}


def main(folder: Path, chosen: list[str]) -> None:
    set_global_state()
    frames = [frame for frame in read(folder / "frames.xyz", ":") if len(frame) > 2]
    for name in chosen or MODELS:
        checkpoint = folder / f"{name}.ckpt"
        write_checkpoint(checkpoint, MODELS[name])
        np.savez(folder / f"{name}.npz", **answers(checkpoint, frames))
        sources = {name: checkpoint}
        if name in ("types", "allegro"):
            sources[f"{name}_package"] = folder / f"{name}.nequip.zip"
            write_package(checkpoint, folder / f"{name}.nequip.zip")
        for written, source in sources.items():
            said: list[str] = []
            output = folder / f"{written}.pt"
            convert(source, output, elements=["O", "Na", "H"], trust_pickle=True, say=said.append)
            (folder / f"{written}.log").write_text("\n".join(said) + "\n")
    if chosen:
        return
    lines = []
    for name, model in REFUSED.items():
        write_checkpoint(folder / f"{name}.ckpt", model)
    (folder / "garbage.nequip.zip").write_bytes((folder / "types.nequip.zip").read_bytes()[:5000])
    for name, trusted in (
        *((f"{name}.ckpt", True) for name in REFUSED),
        ("parity.ckpt", False),
        ("allegro.nequip.zip", False),
        ("garbage.nequip.zip", True),
    ):
        try:
            convert(folder / name, folder / "refused.pt", trust_pickle=trusted, say=lambda line: None)
            lines.append(f"{name} was converted")
        except ConversionError as error:
            lines.append(str(error))
    (folder / "refused.log").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    print("nequip", nequip.__version__)
    main(Path(sys.argv[1]), sys.argv[2:])
