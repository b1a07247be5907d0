# SPDX-License-Identifier: MIT
"""Compilation of the two passes of a network, for one instruction set, single-threaded."""

from __future__ import annotations

import math
import os
import platform
import shutil
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from pair_les.errors import RunError
from pair_les.model_file.aot.instruction_set import NAMES, best
from pair_les.model_file.aot.partition import TracedPass
from pair_les.model_file.aot.torch_internals import aot_compile, restrict_instruction_set

WIDTHS = {"baseline": 0, "avx2": 256, "avx512": 512}
"""Bits of a vector register; 0: the compiler's own vectorization only."""

SECONDS_PER_OPERATOR = 0.09
"""Of compilation on one core: 277 s for the 2561 of a MACE model, 180 s for the 1422 of a CACE model."""

PACKED = (".so", ".json")
"""Endings of the files that a package needs to run; the generated sources stay outside."""


def compiler() -> str:
    """The C++ compiler that torch will call.

    Raises
    ------
    RunError
        If there is none.
    """
    wanted = os.environ.get("CXX", "g++")
    if shutil.which(wanted) is None:
        raise RunError(
            f"--format pt2 needs a C++ compiler and '{wanted}' is not found: install one, for example with 'apt install g++' "
            "or 'conda install -c conda-forge gxx', or name yours in the environment variable CXX; "
            "--format torchscript needs none"
        )
    return wanted


def choose_instruction_set(wanted: str | None) -> str:
    """`wanted`, or the best of this processor; `RunError` for an unknown name."""
    if wanted is None:
        return best()
    if wanted not in NAMES:
        raise RunError(
            f"--isa {wanted}: must be {', '.join(NAMES)}; leave it out for the best of this machine"
        )
    if wanted != "baseline" and platform.machine() not in ("x86_64", "AMD64"):
        raise RunError(
            f"--isa {wanted}: only x86-64 has it, this machine is {platform.machine()}: use baseline"
        )
    return wanted


def compile_pass(
    name: str,
    module: TracedPass,
    arguments: tuple[Tensor, ...],
    dynamic: list[set[int]],
    instruction_set: str,
    say: Callable[[str], None],
) -> list[str]:
    """Compile one pass.

    Parameters
    ----------
    name
        For messages, such as "forward pass".
    module, arguments
        What is compiled, and an example of its arguments.
    dynamic
        For each argument the dimensions whose size changes from call to call.
    instruction_set
        One of `NAMES`.
    say
        Gets a line of progress.

    Returns
    -------
    The compiled files, in torch's cache folder.

    Raises
    ------
    RunError
        If the network fixes one of the sizes, or torch or the compiler fail.
    """
    seconds = 10 * math.ceil(SECONDS_PER_OPERATOR * len(module.traced.graph.nodes) / 10)
    say(f"compiling the {name} with {compiler()} for {instruction_set}, about {seconds} s ...")
    start = time.perf_counter()
    shapes = tuple({dimension: torch.export.Dim.AUTO for dimension in sizes} for sizes in dynamic)
    options = {
        "aot_inductor.package": True,
        "cpp.threads": 1,  # a package keeps the number of threads that it was compiled with
        "cpp.simdlen": WIDTHS[instruction_set],
        "cpp.cxx": (None, compiler()),
    }
    if platform.machine() in ("x86_64", "AMD64"):
        options["cpp.march"] = "x86-64"  # the flags of the instruction set come on top
    try:
        with restrict_instruction_set(instruction_set), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of torch about itself
            exported = torch.export.export(module, arguments, dynamic_shapes=(shapes,), strict=False)
            _check_sizes(name, exported, dynamic)
            files = cast(
                list,  # of files, which "aot_inductor.package" asks for
                aot_compile(exported.module(check_guards=False), arguments, options=options),
            )
    except RunError:
        raise
    except Exception as error:  # of torch.export, inductor, sympy, subprocess: no common base
        raise RunError(
            f"--format pt2: torch {torch.__version__} cannot compile the {name}: {summarize_error(error)}: "
            "use --format torchscript"
        ) from error
    say(f"compiled the {name} in {time.perf_counter() - start:.0f} s")
    return [file for file in files if isinstance(file, str) and Path(file).suffix in PACKED]


def summarize_error(error: BaseException) -> str:
    """Return the most informative line of an error: the first error of a compiler, else the first line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = next((line for line in lines if "error: " in line), lines[0] if lines else "")
    return f"{type(error).__name__}: {said[:300]}"


def _check_sizes(name: str, exported: torch.export.ExportedProgram, dynamic: list[set[int]]) -> None:
    """Raise `RunError` where tracing has turned a size that must be free into a number."""
    users = [spec.arg.name for spec in exported.graph_signature.input_specs if spec.kind.name == "USER_INPUT"]
    nodes = {node.name: node for node in exported.graph.nodes}
    for number, (user, sizes) in enumerate(zip(users, dynamic, strict=True)):
        shape = nodes[user].meta["val"].shape
        for dimension in sizes:
            if isinstance(shape[dimension], int):
                raise RunError(
                    f"--format pt2: the network fixes size {dimension} of argument {number} of its {name} to "
                    f"{shape[dimension]}: numbers of atoms and edges must be free; use --format torchscript"
                )
