# SPDX-License-Identifier: MIT
"""Long-range settings of a model with latent charges, from the attributes of its pickled object of the package `les`.

The class of the object is replaced by an empty one; neither the package nor its code is needed. What has no meaning in the contract
is refused by name, and so is every attribute that is not known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch

from ..errors import ConversionError
from ..model_file.metadata import LongRange
from .pickles import plain_attributes

LES_SETTINGS = {
    "use_atomwise": (False,),
    "n_q": (1,),
    "n_charges": (1,),
    "n_channels": (1,),
    "multipole_order": (0,),
    "max_l": (0,),
    "use_dipole": (False,),
    "use_dipoles": (False,),
    "use_quadrupole": (False,),
    "use_quadrupoles": (False,),
}
"""Attributes of a LES object that this package has a meaning for only at these values."""

LES_IGNORED = {
    "n_layers", "n_hidden", "add_linear_nn", "output_scaling_factor", "sigma", "dl", "remove_mean", "epsilon_factor", "compute_bec",
    "bec_output_index", "les_arguments", "compute_energy",
}  # fmt: skip
"""Attributes of a LES object that are used, belong to a readout that MACE does not use, or to Born charges."""

EWALD_KNOWN = {
    "dl", "sigma", "sigma_sq_half", "twopi", "twopi_sq", "remove_self_interaction", "norm_factor", "k_sq_max",
}  # fmt: skip


@dataclass(frozen=True)
class LesSettings:
    """The long-range sum of a MACELES model; `k_cutoff` in 1/angstrom is where its own k sum ends."""

    long_range: LongRange
    k_cutoff: float


def les_settings(les: torch.nn.Module, use_atomwise: tuple[bool, ...], path: Path) -> LesSettings:
    """Read the settings from the attributes of the pickled `les` object.

    Raises
    ------
    ConversionError
        If one has no meaning here: charges of several channels, dipoles, another neutralization, or a name that is not known.
    """
    found = dict(plain_attributes(les))
    ewald = les.ewald if hasattr(les, "ewald") else None
    if ewald is None:
        raise ConversionError(
            f"{path}: its LES module has no Ewald sum ({', '.join(dict(les.named_children())) or 'nothing'}): cannot be converted"
        )
    for name, value in found.items():
        if name == "use_atomwise" and value in use_atomwise:
            continue
        if name in LES_SETTINGS:
            if value not in LES_SETTINGS[name]:
                raise ConversionError(
                    f"{path}: LES setting {name} = {value!r}: only {LES_SETTINGS[name][0]!r} can be converted"
                )
        elif name not in LES_IGNORED:
            raise ConversionError(
                f"{path}: LES setting {name} = {value!r} is not known to this pair_les: multipoles, several charge channels and other "
                "newer variants of LES cannot be converted"
            )
    for name, _ in les.named_children():
        if name not in ("atomwise", "ewald", "bec"):
            raise ConversionError(
                f"{path}: LES module {name} is not known to this pair_les: it cannot be converted"
            )
    settings = plain_attributes(ewald)
    for name, value in settings.items():
        if name not in EWALD_KNOWN:
            raise ConversionError(
                f"{path}: LES setting ewald.{name} = {value!r} is not known to this pair_les: it cannot be converted"
            )
    for module in (les, ewald):
        if next(module.parameters(recurse=module is ewald), None) is not None:
            raise ConversionError(
                f"{path}: its Ewald sum has trained parameters: such models cannot be converted"
            )
    for missing in ("sigma", "dl", "norm_factor", "remove_self_interaction"):
        if missing not in settings:
            raise ConversionError(
                f"{path}: LES setting ewald.{missing} is missing: install a newer pair_les, or report this"
            )
    return LesSettings(
        LongRange(
            sigma=float(settings["sigma"]),
            coulomb_constant=float(settings["norm_factor"]) / (2.0 * math.pi),
            self_interaction=not settings["remove_self_interaction"],
        ),
        k_cutoff=2.0 * math.pi / float(settings["dl"]),
    )
