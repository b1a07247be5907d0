# SPDX-License-Identifier: MIT
"""The key ``compiled`` of the metadata of a package: the machine that it was compiled for."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from .rules import broken, is_integer, required


@dataclass(frozen=True)
class Compiled:
    """Target that a package was compiled for: a machine that has it can run the file.

    Parameters
    ----------
    torch
        Release, such as ``2.13.0``.
    machine
        As ``uname -m`` says.
    instruction_set
        ``baseline``, ``avx2`` or ``avx512``.
    padding
        Version of the atoms and edges that a package expects before the real ones.
    kept
        Of a network that is cut at its layers: how many tensors each layer before the last keeps for the next.
    """

    torch: str
    machine: str
    instruction_set: str
    padding: int
    kept: list[int] = field(default_factory=list, hash=False)


def parse_compiled(data: Any, file: str) -> Compiled:
    """Return the checked value of the key; `ContractError` where it breaks a rule."""
    if not isinstance(data, dict):
        raise broken(file, "compiled", data, "must be an object")
    values = {
        field.name: required(data, field.name, file, "compiled.")
        for field in fields(Compiled)
        if field.name != "kept"
    }
    for name, value in values.items():
        if name == "padding":
            if not is_integer(value):
                raise broken(file, "compiled.padding", value, "must be an integer")
        elif not isinstance(value, str):
            raise broken(file, f"compiled.{name}", value, "must be a string")
    kept = data.get("kept", [])
    if not isinstance(kept, list) or not all(is_integer(n) and n >= 0 for n in kept):
        raise broken(file, "compiled.kept", kept, "must be a list of integers >= 0")
    return Compiled(**values, kept=kept)
