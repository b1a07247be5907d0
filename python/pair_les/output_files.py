# SPDX-License-Identifier: MIT
"""Writing of files in one step: a full disk, a kill or an exception leaves the old file as it was."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import OutputError


@contextmanager
def errors_name(path: str | os.PathLike[str]) -> Iterator[None]:
    """Let an `OutputError` of the block name `path`, for a file that is written under another name and checked first."""
    try:
        yield
    except OutputError as error:
        raise OutputError(path, error.reason) from error


def json_text(value: Any, indent: int | None = None) -> str:
    """JSON text of ``value``, in which numbers that are not finite are ``null``: JSON has no NaN and no infinity."""
    return json.dumps(_finite(value), indent=indent, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_file(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Write a whole file: to the disk under another name, then in place of the old file.

    Parameters
    ----------
    path
        The file; its folder must exist.
    content
        Text is encoded as UTF-8, its line ends are kept.

    Raises
    ------
    OutputError
        If the file cannot be written, because the disk is full for example; nothing is left of the new one.
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as stream:
            stream.write(content.encode("utf-8") if isinstance(content, str) else content)
            stream.flush()
            os.fsync(stream.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # mkstemp makes private files; a model is an ordinary one
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(path, error.strerror or str(error)) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
