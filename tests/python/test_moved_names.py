# SPDX-License-Identifier: MIT
"""Modules can be imported by the names of the previous release, with a warning that gives the present name."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pair_les
import pytest
from pair_les._imports import MOVED_MODULES


@pytest.mark.parametrize("former", MOVED_MODULES)
def test_former_name_is_the_same_module(former: str) -> None:
    present = f"pair_les.{MOVED_MODULES[former]}"
    sys.modules.pop(f"pair_les.{former}", None)
    with pytest.warns(FutureWarning, match=f"pair_les.{former} is now {present}: import it by that name"):
        module = import_module(f"pair_les.{former}")
    assert module is import_module(present) and module.__name__ == present


@pytest.mark.slow
def test_present_names_do_not_warn() -> None:
    code = "from pair_les import *; import pair_les.evaluation, pair_les.long_range, pair_les.observables, pair_les.export"
    subprocess.run([sys.executable, "-W", "error::FutureWarning:__main__", "-c", code], check=True)


def test_other_names_are_absent() -> None:
    with pytest.raises(ModuleNotFoundError, match="pair_les.nothing"):
        import_module("pair_les.nothing")
    assert not hasattr(pair_les, "nothing")
