# SPDX-License-Identifier: MIT
"""Conversion of models of other packages (MACE, MACE-LES, ...) to model files.

It needs torch, NumPy, ASE and the package that the model comes from, nothing compiled and nothing else of pair_les, so that it runs
in the environment in which that package is installed: ``pair-les convert``, or ``python -m pair_les.convert``.

One folder or file per source holds an adapter, which gives a :class:`~pair_les.convert.converted.Converted`; everything else is
common: what a file is (`sources`), unpickling (`pickles`), the cut at message-passing layers (`stages`), the comparison with the
package's own calculator (`verification`), writing (`conversion`).
"""

from __future__ import annotations

from typing import Any


def convert(*arguments: Any, **options: Any) -> None:
    """Convert a model file (:func:`pair_les.convert.conversion.convert`); torch is imported when this is called."""
    from .conversion import convert as run

    run(*arguments, **options)


__all__ = ["convert"]
