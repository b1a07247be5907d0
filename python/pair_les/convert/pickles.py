# SPDX-License-Identifier: MIT
"""Pickles of others: what they refer to, read without running anything; and loading them with a list of what may be used.

A whole pickled model is a program: loading it calls whatever it names. The names are read first (`global_names`). Loading
(`load_trusted`) finds names of the given packages only, so that a pickle that also names, say, ``os.system`` is refused even
where the user trusts it.
"""

from __future__ import annotations

import os
import pickle
import pickletools
import types
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from ..errors import ConversionError

_HARMLESS = {
    "_codecs": {"encode"},
    "builtins": {"set", "frozenset", "dict", "list", "tuple", "slice", "int", "float", "complex", "bool", "str", "bytes", "bytearray", "range"},
    "__builtin__": {"set", "frozenset", "dict", "list", "tuple", "slice", "int", "float", "complex", "bool", "str", "bytes", "bytearray", "xrange", "long", "unicode"},
    "collections": {"OrderedDict", "defaultdict", "deque", "Counter"},
    "copyreg": {"_reconstructor"},
    "copy_reg": {"_reconstructor"},
    "functools": {"partial"},
    "pathlib": {"Path", "PosixPath", "PurePosixPath"},
}  # fmt: skip


_NUMBERS = {
    "torch": {"device", "dtype", "Size", *(f"{kind}Storage" for kind in ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Byte", "Char", "Bool"))},
    "torch._utils": {"_rebuild_tensor_v2", "_rebuild_parameter"},
    "numpy": {"ndarray", "dtype"},
    **{f"numpy.{core}.multiarray": {"_reconstruct", "scalar"} for core in ("core", "_core")},
}  # fmt: skip
"""Names that pickled numbers need; calling them runs nothing."""


def find_unsafe_names(names: set[str]) -> list[str]:
    """Return those of `names` whose loading may run a program, sorted: all but plain containers and numbers."""
    safe = {
        f"{module}.{name}"
        for table in (_HARMLESS, _NUMBERS)
        for module, known in table.items()
        for name in known
    }
    return sorted(names - safe)


def pickle_bytes(path: str | os.PathLike[str]) -> bytes:
    """The pickle of a file of ``torch.save``, in its zip or older form.

    Raises
    ------
    ConversionError
        If the file is truncated, or no file of ``torch.save``.
    """
    path = Path(path)
    with open(path, "rb") as stream:
        start = stream.read(4)
    if start[:2] == b"PK":
        try:
            with zipfile.ZipFile(path) as archive:
                names = [name for name in archive.namelist() if name.split("/")[1:] == ["data.pkl"]]
                if not names:
                    raise ConversionError(
                        f"{path}: a zip archive without a pickle of torch.save: give the model file itself"
                    )
                return archive.read(names[0])
        except zipfile.BadZipFile as error:
            raise ConversionError(f"{path}: truncated or damaged file: copy it again") from error
    if start[:1] != b"\x80":
        raise ConversionError(
            f"{path}: not a model file of a known package (no archive of torch.save): give a file of MACE, SevenNet, CACE or NequIP"
        )
    return path.read_bytes()


def global_names(path: str | os.PathLike[str]) -> set[str]:
    """Names ``module.name`` that the pickle of a file refers to; see `read_names`."""
    return read_names(path)[0]


def read_names(path: str | os.PathLike[str]) -> tuple[set[str], set[str]]:
    """Names ``module.name`` that the pickle of a file refers to, and the strings in it; nothing is loaded.

    Raises
    ------
    ConversionError
        See `pickle_bytes`; also if the pickle is damaged.
    """
    names: set[str] = set()
    strings: list[str] = []
    content = pickle_bytes(path)
    position = 0
    while position < len(content):  # the older form of torch.save is several pickles and then raw numbers
        try:
            for operation, argument, place in pickletools.genops(content[position:]):
                if operation.name in ("GLOBAL", "INST"):
                    names.add(argument.replace(" ", "."))
                elif operation.name == "STACK_GLOBAL" and len(strings) > 1:
                    names.add(f"{strings[-2]}.{strings[-1]}")
                elif isinstance(argument, str) and operation.name not in ("GET", "PUT"):
                    strings.append(argument)
                last = place
            position += last + 1
        except Exception as error:
            if position == 0:
                raise ConversionError(
                    f"{path}: truncated or damaged pickle ({error}): copy it again"
                ) from error
            break
    return names, set(strings)


def require_names(path: str | os.PathLike[str], packages: tuple[str, ...], kind: str) -> None:
    """Raise `ConversionError` if the pickle of a file names anything but plain containers, numbers, and what is in `packages`."""
    for name in find_unsafe_names(global_names(path)):
        if name.split(".")[0] not in packages:
            raise ConversionError(
                f"{path}: the pickle refers to {name}, which no {kind} has: not loaded; it is of something else"
            )


def load_trusted(
    path: str | os.PathLike[str],
    packages: tuple[str, ...] | None,
    replace: Callable[[str, str], Any | None],
    kind: str,
) -> Any:
    """Unpickle a whole model onto the CPU; the user has said that it may run.

    Parameters
    ----------
    path
        File of ``torch.save``.
    packages
        Top-level packages whose names may be used, beside torch and NumPy; None: no name but those of plain containers and
        numbers, so that nothing can run.
    replace
        ``(module, name)`` to a class of ours to use instead, or None.
    kind
        "MACE model" and the like, for messages.

    Raises
    ------
    ConversionError
        If it needs a name of another package, or one that the installed package does not have; or is damaged.
    """
    file = os.fspath(path)
    allowed = () if packages is None else ("torch", "numpy", *packages)

    class Unpickler(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            stand_in = replace(module, name)
            if stand_in is not None:
                return stand_in
            if name in _HARMLESS.get(module, ()) or name in _NUMBERS.get(module, ()):
                return super().find_class(module, name)
            if module.split(".")[0] not in allowed:
                raise ConversionError(
                    f"{file}: the pickle refers to {module}.{name}, which no {kind} has: not loaded; it is of something else"
                )
            try:
                return super().find_class(module, name)
            except (ImportError, AttributeError) as error:
                raise ConversionError(
                    f"{file}: it refers to {module}.{name}, which the installed {module.split('.')[0]} does not have: install the "
                    f"version that wrote the file ({error})"
                ) from error

    reader = types.ModuleType("pair_les_restricted_pickle")
    reader.Unpickler = Unpickler  # type: ignore[attr-defined]
    reader.load = _load_with(Unpickler)  # type: ignore[attr-defined]
    try:
        return torch.load(path, map_location="cpu", pickle_module=reader, weights_only=False)
    except ConversionError:
        raise
    except Exception as error:  # unpickling ends in any exception of the package's own code
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ConversionError(
            f"{file}: cannot be loaded ({reason}): copy it again, or install the versions that wrote it"
        ) from error


def _load_with(unpickler: type[pickle.Unpickler]) -> Callable[..., Any]:
    return lambda stream, **options: unpickler(stream, **options).load()


def inert_class(module: str, name: str, bases: tuple[type, ...] = (torch.nn.Module,)) -> type:
    """A class without code that takes what a pickle sets, to be read as attributes."""
    return type(name, bases, {"__module__": f"pair_les.convert.stand_in.{module}"})


def plain_attributes(thing: Any) -> Mapping[str, Any]:
    """Attributes of an unpickled module that are neither parameters, buffers nor modules."""
    return {key: value for key, value in vars(thing).items() if not key.startswith("_") and key != "training"}
