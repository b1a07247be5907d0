# SPDX-License-Identifier: MIT
"""MACE, untrained, for benchmarks/peers.py; runs in an environment with mace-torch."""

from __future__ import annotations

import numpy as np
import torch
from e3nn import o3
from mace.calculators import MACECalculator
from mace.modules import MACE, interaction_classes
from peer_timing import print_time


def calculator(atoms):
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float32)
    interaction = interaction_classes["RealAgnosticResidualInteractionBlock"]
    model = MACE(
        r_max=4.5,
        num_bessel=8,
        num_polynomial_cutoff=5,
        max_ell=3,
        interaction_cls=interaction,
        interaction_cls_first=interaction,
        num_interactions=2,
        num_elements=2,
        hidden_irreps=o3.Irreps("64x0e + 64x1o"),
        MLP_irreps=o3.Irreps("16x0e"),
        atomic_energies=np.zeros(2),
        avg_num_neighbors=40.0,
        atomic_numbers=[1, 8],
        correlation=3,
        gate=torch.nn.functional.silu,
    )
    return MACECalculator(models=[model], device="cpu", default_dtype="float32")


print_time(calculator)
