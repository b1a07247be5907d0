# SPDX-License-Identifier: MIT
"""What les/kk refuses, in one line that says what to type instead."""

from __future__ import annotations

import re

import harness
import numpy as np
import pytest
import torch
from pair_les.model_file import Metadata, save_model
from systems import random_fluid

FLUID = random_fluid({"Na": 20, "Cl": 20}, np.diag([11.0, 10.0, 12.0]), seed=3)


def error(folder, path, ranks=1, arguments=harness.KOKKOS_ARGUMENTS, **options) -> str:
    script = harness.setup(folder, FLUID, path, **options) + "run 1\n"
    run = harness.run_lammps(
        script, folder, ranks, lammps=harness.kokkos_lammps(arguments), expect_error=True
    )
    assert run.returncode != 0
    assert len(run.error_lines) == 1, run.error_lines
    return run.error_lines[0]


@pytest.mark.parametrize("ranks", [1, 2])
def test_newton_off(tmp_path, model, ranks):
    arguments = (*harness.KOKKOS_ARGUMENTS, "-pk", "kokkos", "newton", "off", "neigh", "full")
    line = error(tmp_path, model(), ranks, arguments, kspace="pppm 1e-5")
    assert "pair_style les/kk needs newton pair on" in line
    assert "'-pk kokkos newton on neigh half'" in line


def test_analytic_differentiation_of_the_mesh(tmp_path, model):
    """LAMMPS's own message: pppm/kk has ik only."""
    line = error(tmp_path, model(), kspace="pppm 1e-5", after_pair=["kspace_modify diff ad"])
    assert "Cannot (yet) use PPPM Kokkos with 'kspace_modify diff ad'" in line


def test_tiled_mesh(tmp_path, model):
    """LAMMPS 4 Feb 2025: energies are right and forces are off by 2e-3 eV/A, with the host style beside it as well."""
    tiled = {"before_box": ["comm_style tiled"], "after_box": ["balance 1.0 rcb"]}
    line = error(tmp_path, model(), 2, kspace="pppm 1e-5", **tiled)
    assert "kspace_style pppm/kk with comm_style tiled has wrong forces in LAMMPS" in line
    assert "'comm_style brick'" in line


@pytest.mark.parametrize("ranks", [1, 2])
def test_kernels_that_do_not_exist(tmp_path, model, monkeypatch, ranks):
    monkeypatch.setenv("PAIR_LES_KERNELS", "cuda")
    line = error(tmp_path, model(), ranks, kspace="pppm 1e-5")
    assert "PAIR_LES_KERNELS = cuda: must be kokkos or core; unset it for those of the core" in line


def test_keyword_device(tmp_path, model):
    pair = ["pair_style les device cuda", "pair_coeff * * model.pt Cl Na"]
    line = error(tmp_path, model(), kspace="pppm 1e-5", pair=pair)
    assert "computes where KOKKOS does" in line and "leave out 'device cuda' and type '-k on g 1'" in line


class Greedy(torch.nn.Module):
    def forward(
        self, species: torch.Tensor, edge_index: torch.Tensor, edge_vectors: torch.Tensor, n_local: int
    ) -> dict[str, torch.Tensor]:
        return {"energy": torch.empty([1 << 55], dtype=torch.float64)}


@pytest.mark.parametrize("ranks", [1, 2])
def test_out_of_memory(tmp_path, ranks):
    """Atoms and edges that were asked for, whoever ran out of memory."""
    path = tmp_path / "greedy.pt"
    save_model(path, torch.jit.script(Greedy()), Metadata(("Na", "Cl"), 5.0, long_range=None))
    line = error(tmp_path, path, ranks, kspace=None)
    pattern = r"ran out of memory on process 0 with \d+ atoms, \d+ ghost atoms and [1-9]\d+ edges; use more"
    assert re.search(pattern, line), line
