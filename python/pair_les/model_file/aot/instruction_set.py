# SPDX-License-Identifier: MIT
"""Instruction sets that a package is compiled for, and the one of this processor. Twin: core/simd/instruction_set.cpp."""

from __future__ import annotations

import os
import platform

import torch

from pair_les.errors import RunError

NAMES = ("baseline", "avx2", "avx512")
"""Each contains the ones before it; x86-64 has all three, other machines the first."""

VARIABLE = "PAIR_LES_INSTRUCTION_SET"


def best() -> str:
    """The best that this processor runs, or what the environment says.

    Raises
    ------
    RunError
        If the environment names one that is unknown, or that this processor does not have.
    """
    found = _detect_instruction_set()
    wanted = os.environ.get(VARIABLE, "")
    if not wanted:
        return found
    if wanted not in NAMES:
        raise RunError(f"{VARIABLE} = {wanted}: must be baseline, avx2 or avx512; unset it for the best one")
    if NAMES.index(wanted) > NAMES.index(found):
        raise RunError(f"{VARIABLE} = {wanted}: this processor does not have it; unset it for the best one")
    return wanted


def _detect_instruction_set() -> str:
    if platform.machine() not in ("x86_64", "AMD64"):
        return "baseline"
    capability = torch.backends.cpu.get_cpu_capability()
    return {"AVX512": "avx512", "AVX2": "avx2"}.get(capability, "baseline")
