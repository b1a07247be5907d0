# SPDX-License-Identifier: MIT
"""The report of a data set as lines for a terminal."""

from __future__ import annotations

from typing import Any

from .summary import DataReport

_LISTED = 8


def report_lines(report: DataReport) -> list[str]:
    """Lines with units; problems last, each on a line of its own."""
    numbers = report.numbers
    rows = [("files", _listed(numbers["files"]))]
    if report.frames:
        rows += _content_rows(numbers)
        rows += _label_rows(numbers)
    width = max(len(name) for name, _ in rows) + 2
    lines = [f"{name:<{width}}{text}" for name, text in rows]
    for title, problems in (("warning", numbers["warnings"]), ("refused", numbers["refused"])):
        lines += [f"{title}: {problem}" for problem in problems]
    if numbers["refused"]:
        return [*lines, f"pair-les train would refuse these data: {len(numbers['refused'])} problems"]
    return [*lines, "pair-les train would accept these data"]


def _content_rows(numbers: dict[str, Any]) -> list[tuple[str, str]]:
    counts = numbers["counts"]
    isolated = counts["frames"] - counts["periodic"]
    kinds = f"{counts['periodic']} periodic, {isolated} isolated"
    kinds += f", {counts['slabs']} of the periodic ones slabs" if counts["slabs"] else ""
    rows = [
        ("frames", f"{counts['frames']} of {_span(numbers['atoms_per_frame'], '.0f')} atoms, {kinds}"),
        ("atoms", ", ".join(f"{symbol} {count}" for symbol, count in numbers["elements"].items())),
        ("compositions", _listed([f"{name} ({n})" for name, n in numbers["compositions"].items()])),
    ]
    if len(numbers["compositions"]) > 1:
        fractions = [f"{s} {_span(r, '.3g')}" for s, r in numbers["fractions"].items()]
        rows.append(("fractions", ", ".join(fractions)))
    if numbers["volume_per_atom"] is not None:
        rows.append(("volume", f"{_span(numbers['volume_per_atom'], '.4g')} A^3/atom"))
    for name in ("config_types", "isolated_atoms"):
        if numbers[name]:
            values = ", ".join(f"{key} {value:g}" for key, value in numbers[name].items())
            rows.append((name.replace("_", " "), values + (" eV" if name == "isolated_atoms" else "")))
    return rows


def _label_rows(numbers: dict[str, Any]) -> list[tuple[str, str]]:
    counts, energy = numbers["counts"], numbers["energy"]
    kinds = ("energy", "forces", "stress")
    rows = [
        (
            "labels",
            ", ".join(f"{kind} of {counts[kind]}" for kind in kinds) + f" of {counts['frames']} frames",
        )
    ]
    if energy is not None:
        rows.append(
            (
                "energy",
                f"{_span(energy['range'], '.6g')} eV/atom (lowest in {_where(energy['lowest'])}, highest in "
                f"{_where(energy['highest'])}), median {energy['median']:.6g}",
            )
        )
    for symbol, forces in numbers["forces"].items():
        rows.append(
            (
                f"forces on {symbol}",
                f"rms {forces['rms_component']:.3g} eV/A per component, median size {forces['median']:.3g}, "
                f"largest {forces['largest']:.3g}",
            )
        )
    for largest in numbers["largest_forces"]:
        name = f"atom {largest['atom']} ({largest['element']}) of {_where(largest)}"
        rows.append(("large force", f"{largest['force']:.4g} eV/A on {name}"))
    for pair, closest in sorted(numbers["shortest_distances"].items()):
        rows.append((f"shortest {pair}", f"{closest['distance']:.3f} A in {_where(closest)}"))
    return rows


def _where(place: dict[str, Any]) -> str:
    return f"{place['file']}, frame {place['frame']}"


def _span(limits: list[float], digits: str) -> str:
    low, high = (format(limit, digits) for limit in limits)
    return low if low == high else f"{low} to {high}"


def _listed(names: list[str]) -> str:
    more = f", ... ({len(names)} in all)" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more
