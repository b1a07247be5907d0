# SPDX-License-Identifier: MIT
"""The interfaces of torch that packages need and that torch does not document as public. No other module names any.

They are there for networks of others: a package is the only model file for code that TorchScript cannot compile, and the only
one in which a compiler fuses operations that have no fused operator. After an upgrade of torch `tests/python/test_package.py` shows
which of them has changed; each is an import error or a `RunError`, and model files in TorchScript do not depend on any.

====================================  ==============================================================================
`make_fx`, `FakeTensorMode`,          tracing: one graph of outputs and gradient with symbols for sizes. ``torch.export``
`ShapeEnv`                            has no graph that contains a gradient by an input.
`_constrain_range_for_size`           tracing: sizes that depend on data are at least 2. A network that selects edges can
                                      otherwise not be traced.
`aot_compile`                         compiler: one compiled pass, as files. ``aoti_compile_and_package`` writes an
                                      archive of one model, a package has two.
`package_pt2`                         package: both passes and the metadata in one archive.
`AOTIModelContainerRunnerCpu`         runtime: runs a pass with tensors in and out. ``aoti_load_package`` cannot choose a
                                      model of an archive by its name.
`cpu_vec_isa`                         compiler: which instruction sets a pass is compiled for; torch asks the processor of
                                      the machine that compiles.
====================================  ==============================================================================
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch._C._aoti import AOTIModelContainerRunnerCpu
from torch._inductor import aot_compile, cpu_vec_isa
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.export.pt2_archive._package import package_pt2
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.experimental.symbolic_shapes import ShapeEnv, _constrain_range_for_size

from pair_les.installation.process_state import replaced_attribute

__all__ = [
    "AOTIModelContainerRunnerCpu",
    "SizesOfTwoOrMore",
    "aot_compile",
    "fake_mode",
    "make_fx",
    "package_pt2",
]


class SizesOfTwoOrMore(ShapeEnv):
    """Symbols for sizes; those that depend on data are at least 2, as the padding of every graph ensures."""

    def create_unbacked_symint(self, *args: Any) -> torch.SymInt:
        size = super().create_unbacked_symint(*args)
        _constrain_range_for_size(size, min=2)
        return size


def fake_mode() -> FakeTensorMode:
    """Return a mode in which tensors have symbols for sizes and no data."""
    return FakeTensorMode(shape_env=SizesOfTwoOrMore(duck_shape=False), allow_non_fake_inputs=True)


@contextmanager
def restrict_instruction_set(instruction_set: str) -> Iterator[None]:
    """Let inductor see exactly this instruction set: a wider one of the same register width would not run everywhere."""
    known = {
        "baseline": [],
        "avx2": [cpu_vec_isa.VecAVX2()],
        "avx512": [cpu_vec_isa.VecAVX512()],
    }[instruction_set]
    with replaced_attribute(cpu_vec_isa, "valid_vec_isa_list", lambda: known):
        yield
