# SPDX-License-Identifier: MIT
"""Random neighborhoods for the tests of the fused operators."""

from __future__ import annotations

import torch

CUTOFF = 5.0


def neighborhoods(n_local: int, n_atoms: int, most: int, dtype: torch.dtype, longest: float = 1.05):
    """Edge vectors (up to `longest` cutoffs), centers and neighbors of atoms with 0 to `most` neighbors."""
    generator = torch.Generator().manual_seed(0)
    counts = torch.randint(0, most + 1, (n_local,), generator=generator)
    center = torch.repeat_interleave(torch.arange(n_local), counts)
    neighbor = torch.randint(0, max(n_atoms, 1), center.shape, generator=generator)
    vectors = torch.randn(len(center), 3, generator=generator, dtype=torch.float64)
    length = 0.7 + (longest * CUTOFF - 0.7) * torch.rand(
        len(center), 1, generator=generator, dtype=torch.float64
    )
    vectors = vectors / vectors.norm(dim=1, keepdim=True) * length
    return vectors.to(dtype), center, neighbor
