# SPDX-License-Identifier: MIT
"""The network of a model file as the evaluation calls it: species by symbol, outputs that are checked."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import GeometryError
from ..long_range.equilibration import check_hardness
from ..model_file.metadata import ContractError, Metadata
from ..model_file.nearest_species import nearest_species
from ..model_file.outputs import atomic_output_names, require_outputs
from .prediction import Network


def species_indices(
    symbols: Sequence[str], metadata: Metadata, file: str | os.PathLike[str]
) -> NDArray[np.int64]:
    """The species index of each symbol, [N].

    Raises
    ------
    ContractError
        If the model does not know a symbol.
    """
    index = {symbol: position for position, symbol in enumerate(metadata.species)}
    for symbol in symbols:
        if symbol not in index:
            near = nearest_species(symbol, metadata.species)
            raise ContractError(
                f"{file}: element '{symbol}' is not among the species of the model "
                f"({', '.join(metadata.species)}): "
                + (f"did you mean '{near}'?" if near else "use a model trained with it")
            )
    return np.array([index[symbol] for symbol in symbols], dtype=np.int64)


def model_network(module: torch.nn.Module, metadata: Metadata, file: str | os.PathLike[str]) -> Network:
    """The network of a model file, as `predict` takes it, without reference energies; its output is checked, `file` named in errors."""

    def network(
        species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int
    ) -> tuple[Tensor, Tensor]:
        energy, charge = checked_forward(module, metadata, species, edge_index, edge_vectors, file)
        return energy, energy[:0] if charge is None else charge

    return network


def checked_forward(
    module: torch.nn.Module,
    metadata: Metadata,
    species: Tensor,
    edge_index: Tensor,
    edge_vectors: Tensor,
    file: str | os.PathLike[str],
) -> tuple[Tensor, Tensor | None]:
    """Evaluate and check a network: energies [n] and charges [n], or electronegativities and hardnesses [n, 2], or None.

    The network gets contiguous tensors. The energies are without the reference energies of the metadata.

    Raises
    ------
    ContractError
        If the network fails, or returns something else than the contract says.
    GeometryError
        If what it returns is not finite.
    """
    n_atoms = species.shape[0]
    try:
        output = module(species.contiguous(), edge_index.contiguous(), edge_vectors.contiguous(), n_atoms)
    except (
        RuntimeError,
        IndexError,
        torch.jit.Error,
    ) as error:  # `raise` in TorchScript is a torch.jit.Error
        reason = str(error).strip().splitlines()[-1]
        raise ContractError(f"{file}: forward failed for {n_atoms} atoms: {reason}") from error
    settings, names = metadata.long_range, atomic_output_names(metadata)
    require_outputs(output, names, metadata, n_atoms, file)
    for name in names:
        require_finite(output[name], name, file)
    if settings is None:
        return output["energy"], None
    if not settings.equilibrates:
        return output["energy"], output["charge"]
    check_hardness(output["hardness"], settings, file)
    return output["energy"], torch.stack([output["electronegativity"], output["hardness"]], dim=1)


def require_finite(values: Tensor, name: str, file: str | os.PathLike[str]) -> None:
    """Raise `GeometryError` where a value is not finite, in the words of LAMMPS."""
    if not bool(torch.isfinite(values).all()):
        article = "an" if name[0] in "aeiou" else "a"
        raise GeometryError(
            f"model file '{file}' returned {article} {name} that is not finite: atoms are too close, or the configuration "
            "is far from the training data"
        )
