# SPDX-License-Identifier: MIT
"""Outputs that the network of a model file must return: names, shapes and dtype."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from .metadata import ContractError, Metadata


def atomic_output_names(metadata: Metadata) -> list[str]:
    """The outputs ``[n_local]`` that the contract requires."""
    if metadata.long_range is None:
        return ["energy"]
    return [
        "energy",
        *(["electronegativity", "hardness"] if metadata.long_range.equilibrates else ["charge"]),
    ]


def require_outputs(
    output: Any, names: Sequence[str], metadata: Metadata, n_atoms: int, file: str | os.PathLike[str]
) -> None:
    """Raise `ContractError` unless a network has returned tensors of these names, of the shapes and dtype of the contract.

    Parameters
    ----------
    output
        What ``forward`` returned for `n_atoms` local atoms.
    names
        Outputs that are looked at; ``member_...`` are those of a committee.
    metadata
        Contract of the network.
    n_atoms
        Local atoms of the graph.
    file
        Named in errors.
    """
    if not isinstance(output, Mapping):
        raise ContractError(
            f"{file}: forward returned {type(output).__name__}, must return a dictionary with {', '.join(names)}"
        )
    for name in names:
        if not isinstance(output.get(name), torch.Tensor):
            raise ContractError(
                f"{file}: forward returned no '{name}', only {sorted(output)}: contract version {metadata.format_version}"
            )
        value = output[name]
        members = [metadata.committee] if name.startswith("member_") else []
        if list(value.shape) != [*members, n_atoms]:
            rule = (
                f"[committee, n_local] = ({members[0]}, {n_atoms})"
                if members
                else f"[n_local] = ({n_atoms},)"
            )
            raise ContractError(f"{file}: '{name}' has shape {tuple(value.shape)}, must be {rule}")
        if value.dtype != getattr(torch, metadata.dtype):
            raise ContractError(
                f"{file}: '{name}' is {str(value.dtype).removeprefix('torch.')}, must be {metadata.dtype} as the metadata "
                "key 'dtype' says"
            )
