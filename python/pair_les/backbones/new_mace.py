# SPDX-License-Identifier: MIT
"""A new MACE network of given sizes, in the form of the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch
from ase.data import atomic_numbers

from ..convert.converted import Converted
from ..convert.environment import import_package
from ..convert.scripting import script_with_e3nn
from ..errors import ConfigError
from ..installation.process_state import default_dtype, silenced
from ..model_file.metadata import Metadata
from .backbone import Backbone
from .packages import from_converted

OPTIONS: dict[str, Any] = {
    "hidden_irreps": "64x0e",
    "num_interactions": 2,
    "max_ell": 3,
    "correlation": 3,
    "num_bessel": 8,
    "num_polynomial_cutoff": 5,
    "MLP_irreps": "16x0e",
    "radial_MLP": [64, 64, 64],
    "pair_repulsion": False,
}
"""Names and defaults of the arguments of ``mace.modules.ScaleShiftMACE`` that may be given."""


def new_mace(
    species: Sequence[str],
    cutoff: float,
    options: Mapping[str, Any],
    average_neighbors: float,
    precision: str,
) -> Backbone:
    """An untrained MACE network; its weights depend on torch's random state.

    Raises
    ------
    ConfigError
        For an option that is not known, or not as MACE wants it.
    ConversionError
        If mace-torch is not installed.
    """
    for name in options:
        if name not in OPTIONS:
            raise ConfigError(f"model.options: {name}: known for backbone mace are {', '.join(OPTIONS)}")
    chosen = {**OPTIONS, **options}
    version = import_package("mace.modules", "mace-torch")
    from e3nn import o3
    from mace import modules
    from mace.modules import blocks

    numbers = sorted(atomic_numbers[symbol] for symbol in species)
    dtype = getattr(torch, precision)
    with default_dtype(dtype), silenced():
        try:
            model = modules.ScaleShiftMACE(
                r_max=float(cutoff),
                num_bessel=chosen["num_bessel"],
                num_polynomial_cutoff=chosen["num_polynomial_cutoff"],
                max_ell=chosen["max_ell"],
                interaction_cls=blocks.RealAgnosticResidualInteractionBlock,
                interaction_cls_first=blocks.RealAgnosticResidualInteractionBlock,
                num_interactions=chosen["num_interactions"],
                num_elements=len(numbers),
                hidden_irreps=o3.Irreps(chosen["hidden_irreps"]),
                MLP_irreps=o3.Irreps(chosen["MLP_irreps"]),
                atomic_energies=np.zeros(len(numbers)),
                avg_num_neighbors=float(average_neighbors),
                atomic_numbers=numbers,
                correlation=chosen["correlation"],
                gate=torch.nn.functional.silu,
                radial_MLP=list(chosen["radial_MLP"]),
                pair_repulsion=chosen["pair_repulsion"],
                atomic_inter_scale=1.0,
                atomic_inter_shift=0.0,
            )
        except (ValueError, TypeError, AssertionError, RuntimeError) as error:
            reason = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
            raise ConfigError(
                f"model.options: mace-torch {version} cannot make this network ({reason})"
            ) from error
    from ..convert.mace.network import build_stages

    positions = [numbers.index(atomic_numbers[symbol]) for symbol in species]
    network = build_stages(model.to(dtype), positions, 0)
    n_layers = int(chosen["num_interactions"])
    metadata = Metadata(
        species=tuple(species),
        cutoff=float(cutoff),
        message_passing_layers=n_layers - 1,
        dtype=precision,
        message_features=list(cast("list[int]", network.message_features)) if n_layers > 1 else [],
    )
    converted = Converted(network, script_with_e3nn, metadata, None, f"mace-torch {version}")
    return from_converted("mace", converted, trained=False)
