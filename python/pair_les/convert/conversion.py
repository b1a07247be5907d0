# SPDX-License-Identifier: MIT
"""``pair-les convert``: recognize, read, write, compare; nothing is left behind that has not passed."""

from __future__ import annotations

import importlib
import os
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from ..errors import ConversionError, UserError
from ..model_file.archive import created_with, save_model, save_package
from ..model_file.formats import require_format
from ..model_file.metadata import ContractError
from ..output_files import errors_name
from .converted import Converted
from .frames import comparison_frames
from .pickles import load_trusted
from .sources import PACKAGES, recognize
from .verification import differences, fused_differences, truncation


def convert(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    package: str | None = None,
    elements: Sequence[str] | None = None,
    head: str | None = None,
    precision: str | None = None,
    trust_pickle: bool = False,
    say: Callable[[str], None] = print,
    file_format: str = "torchscript",
    instruction_set: str | None = None,
) -> None:
    """Write a model of another package as a model file.

    Parameters
    ----------
    source
        Model file of the package.
    output
        Model file to write.
    package
        One of `PACKAGES`; None: found out.
    elements
        Species of the model file, in this order; None: all that the model knows.
    head
        Which of several heads (MACE).
    precision
        ``float32`` or ``float64``; None: that of the source.
    trust_pickle
        Whether the source may run code, as every whole pickled model does when it is loaded.
    say
        Gets lines of progress and results.
    file_format
        ``torchscript``, or ``pt2``: compiled for this release of torch and for `instruction_set`.
    instruction_set
        baseline, avx2 or avx512, of a pt2; None: the best of this processor.

    Raises
    ------
    ConversionError
        If the source cannot be read or converted, or the file differs from what the package gives.
    ContractError
        If the folder of `output` does not exist.
    RunError
        If name, format and instruction set of the file do not go together, or the network cannot be compiled.
    """
    source, output = Path(source), Path(output)
    if not output.parent.is_dir():
        raise ConversionError(
            f"{output}: folder '{output.parent}' does not exist: create it or give another path"
        )
    require_format(output, file_format, instruction_set)
    if package is not None and package not in PACKAGES:
        raise ConversionError(f"--from {package}: must be one of {', '.join(PACKAGES)}")
    if precision not in (None, "float32", "float64"):
        raise ConversionError(f"--precision {precision}: must be float32 or float64")
    found = recognize(source, package)
    if found.runs and not trust_pickle:
        raise ConversionError(
            f"{source}: this pickle of {found.package} is a program that runs when it is loaded (it refers to {found.runs[0]} and "
            f"{len(found.runs) - 1} other names): if you trust where it comes from, add --trust-pickle"
        )
    if not trust_pickle and source.is_file():
        load_trusted(
            source, None, lambda module, name: None, f"{found.package} checkpoint"
        )  # what was read is what is there
    say(f"reading {source} ({found.package})")
    adapter = importlib.import_module(f".{found.package}", __package__)
    try:
        converted: Converted = adapter.read(source, elements, head, precision)
    except (UserError, ContractError):
        raise
    except Exception as error:  # a model of another layout lacks an attribute, has another shape, ...
        raise ConversionError(
            f"{source}: not a model of {found.package} as this pair_les knows it ({type(error).__name__}: {error}): install the version "
            "that wrote it, or report this"
        ) from error
    converted = _with_provenance(converted, source)
    unchecked = output.with_name(f".{output.name}.{uuid.uuid4().hex}")
    try:
        with errors_name(output):
            if file_format == "pt2":
                save_package(unchecked, converted.network, converted.metadata, instruction_set, say)
            else:
                save_model(unchecked, _script(converted, converted.network), converted.metadata)
        _compare(unchecked, converted, output, say)
        if file_format != "pt2" and converted.fused is not None:
            with errors_name(output):
                _add_fused(unchecked, converted, say)
        os.replace(unchecked, output)
    finally:
        unchecked.unlink(missing_ok=True)
    metadata = converted.metadata
    layers = metadata.message_passing_layers
    say(
        f"done: {output} ({output.stat().st_size / 1024:.0f} KiB): {' '.join(metadata.species)}, cutoff {metadata.cutoff:g} A, {layers} "
        f"message-passing layer{'' if layers == 1 else 's'}{', cut' if metadata.message_features else ''}, {metadata.dtype}, "
        f"{'charges' if metadata.long_range else 'no charges'}"
    )


def _with_provenance(converted: Converted, source: Path) -> Converted:
    origin = {**created_with(), "converted_from": source.name, "source": converted.package}
    return replace(converted, metadata=replace(converted.metadata, created_with=origin))


def _script(converted: Converted, network: torch.nn.Module) -> torch.jit.ScriptModule:
    """TorchScript of one of the networks.

    Raises
    ------
    ConversionError
        If one of its modules has no TorchScript.
    """
    try:
        return converted.script(network)
    except Exception as error:  # torch and e3nn raise RuntimeError, NotSupportedError, AttributeError
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise ConversionError(
            f"{converted.package} has a module that torch cannot script ({lines[0] if lines else type(error).__name__}): report this"
        ) from error


def _add_fused(file: Path, converted: Converted, say: Callable[[str], None]) -> None:
    """Write the file again with its fused form, where this agrees with the plain one."""
    assert converted.fused is not None
    fused = _script(converted, converted.fused).eval()
    frames = comparison_frames(list(converted.metadata.species), converted.metadata.cutoff)
    found = fused_differences(file, fused, converted.metadata, frames)
    failed = [difference for difference in found if not difference.passed]
    if failed:
        say(f"without fused operators, which differ: {failed[0]}; report this")
        return
    say(f"fused operators against these layers: {', '.join(str(difference) for difference in found)}")
    save_model(file, _script(converted, converted.network), converted.metadata, fused)


def _compare(file: Path, converted: Converted, output: Path, say: Callable[[str], None]) -> None:
    """Report the differences between the file and the package's own code.

    Raises
    ------
    ConversionError
        If it is too far.
    """
    metadata = converted.metadata
    frames = comparison_frames(list(metadata.species), metadata.cutoff)
    part = ", without the long-range sum" if metadata.long_range else ""
    single = " in float32" if converted.reference_precision == "float32" else ""
    if converted.reference is not None:
        say(f"against {converted.package} on {len(frames)} random frames{part}{single}:")
    else:
        say(f"not compared with its own package: {converted.why_no_reference}")
    found = differences(file, converted, frames)
    for difference in found:
        say(f"  {difference}")
    failed = [difference for difference in found if not difference.passed]
    if failed:
        raise ConversionError(
            f"{output}: not written: the converted model differs from {converted.package}: {failed[0]}: try --precision float64, "
            "and report this"
        )
    if metadata.long_range is not None and converted.k_cutoff is not None:
        left_out = truncation(file, converted, frames[0])
        say(
            f"its own long-range sum ends at |k| = {left_out.k_cutoff:.3f} 1/A, ours is converged: they differ by "
            f"{1000 * left_out.force:.2g} meV/A (rms force) and {1000 * left_out.energy:.2g} meV/atom on the periodic frame"
        )
    for line in converted.notes:
        say(line)
