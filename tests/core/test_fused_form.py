# SPDX-License-Identifier: MIT
"""The fused form of a model file: which operators it calls on a device other than the CPU, and who reads it there.

``pair_style les/kk`` has density and products on a GPU.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from pair_les.export import script_network
from pair_les.model_file import LongRange, Metadata, archive, load_model, save_model
from pair_les.net import NetSettings, network_class


def network(layers: int = 0):
    settings = NetSettings(4.0, n_channels=6, message_passing_layers=layers)
    return network_class(settings)(["Na", "Cl"], settings, charge=True)


def called(method: torch.jit.ScriptMethod) -> set[str]:
    """Kinds of the nodes of a scripted method, inlined, branches included."""
    graph = method.graph.copy()
    torch._C._jit_pass_inline(graph)
    return set(re.findall(r"\b(?:aten|prim|pair_les)::\w+", str(graph)))


@pytest.mark.parametrize("layers", [0, 1])
def test_density_is_the_operator_on_any_device(layers):
    _, fused = script_network(network(layers))
    kinds = called(fused.density)
    assert "pair_les::density" in kinds
    assert not kinds & {"prim::device", "aten::bmm"}, kinds


def test_products_are_the_operator_on_any_device():
    _, fused = script_network(network())
    kinds = called(fused.products)
    assert "pair_les::products" in kinds
    assert not kinds & {"prim::device", "aten::mm"}, kinds


def test_python_reads_the_plain_form_on_another_device(tmp_path: Path, monkeypatch):
    """It has no operators there."""
    file = tmp_path / "m.pt"
    plain, fused = script_network(network())
    save_model(file, plain, Metadata(("Na", "Cl"), 4.0, dtype="float32", long_range=LongRange(1.0)), fused)
    monkeypatch.setattr(archive, "require_device", lambda device: None)
    assert "pair_les::density" in str(load_model(file)[0].density.graph)
    assert "pair_les::density" not in str(load_model(file, "meta")[0].density.graph)
