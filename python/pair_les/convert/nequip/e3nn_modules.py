# SPDX-License-Identifier: MIT
"""Modules of the installed e3nn with the weights of modules of another, which may be part of a package file.

They are built in torch's default precision.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from ...errors import ConversionError
from .blocks import ShiftedSoftplus

_GATE_ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "silu": nn.functional.silu,
    "tanh": torch.tanh,
    "abs": torch.abs,
    "shifted_softplus": ShiftedSoftplus(),
}
"""By the name of the function."""


def build_harmonics(old: Any) -> nn.Module:
    """Spherical harmonics of the same degrees, parities and normalization."""
    from e3nn.o3 import SphericalHarmonics

    return SphericalHarmonics(str(old.irreps_out), old.normalize, old.normalization)


def build_linear(old: Any) -> nn.Module:
    """``e3nn.o3.Linear``."""
    from e3nn.o3 import Linear

    return _with_weights(Linear(str(old.irreps_in), str(old.irreps_out)), old)


def build_self_connection(old: Any) -> nn.Module:
    """``e3nn.o3.FullyConnectedTensorProduct``."""
    from e3nn.o3 import FullyConnectedTensorProduct

    irreps = [str(part) for part in (old.irreps_in1, old.irreps_in2, old.irreps_out)]
    return _with_weights(FullyConnectedTensorProduct(*irreps), old)


def build_tensor_product(old: Any) -> nn.Module:
    """``e3nn.o3.TensorProduct`` with weights as third argument, as in the convolutions."""
    from e3nn.o3 import TensorProduct

    paths = [
        (path.i_in1, path.i_in2, path.i_out, path.connection_mode, path.has_weight)
        for path in old.instructions
    ]
    irreps = [str(part) for part in (old.irreps_in1, old.irreps_in2, old.irreps_out)]
    new = TensorProduct(*irreps, paths, shared_weights=False, internal_weights=False)
    if new.weight_numel != old.weight_numel:
        raise ConversionError("a tensor product of an unknown layout: such models cannot be converted")
    return new


def build_gate(old: Any) -> nn.Module:
    """``e3nn.nn.Gate``.

    Raises
    ------
    ConversionError
        If the nonlinearity is of another class, or one of its functions is not known.
    """
    from e3nn.nn import Gate

    if type(old).__name__ != "Gate":
        raise ConversionError(f"nonlinearity of class {type(old).__name__}: only Gate can be converted")
    scalars, gates = str(old.act_scalars.irreps_in), str(old.act_gates.irreps_in)
    return Gate(scalars, _functions(old.act_scalars), gates, _functions(old.act_gates), str(old.irreps_gated))


def _functions(activation: Any) -> list[Callable[..., Any]]:
    functions = []
    for act in activation.acts:
        name = getattr(act.f, "__name__", type(act.f).__name__)
        if name not in _GATE_ACTIVATIONS:
            raise ConversionError(
                f"nonlinearity {name}: only {', '.join(_GATE_ACTIVATIONS)} can be converted"
            )
        functions.append(_GATE_ACTIVATIONS[name])
    return functions


def _with_weights(new: Any, old: Any) -> nn.Module:
    if new.weight.shape != old.weight.shape:
        raise ConversionError(
            f"a {type(old).__name__} of {old.weight.numel()} weights where e3nn has {new.weight.numel()}: "
            "such models cannot be converted"
        )
    with torch.no_grad():
        new.weight.copy_(old.weight)
    return new
