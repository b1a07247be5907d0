# SPDX-License-Identifier: MIT
"""Part: les/kk on the device against the host style of the same LAMMPS and against stored references of Python."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from inputs import evaluation
from lammps_output import dump, thermo
from session import OutOfTime, RunFailed, Session

BARS = {
    "float64": {"energy": 1e-9, "force": 1e-8, "charge": 1e-11, "stress": 1e-8},
    "float32": {"energy": 5e-6, "force": 2e-4, "charge": 1e-5, "stress": 2e-4},
}
"""Largest deviations allowed: eV per atom, eV/angstrom, e, and for stresses of atoms relative to the largest one. ``float64`` and
``float32`` are the precisions of a model."""

CONVERGED = {"energy": 1e-7, "force": 1e-5, "charge": 1e-11}
"""Float64 against Python with a sum that is converged to 1e-11 in relative force: the accuracy of that sum."""


def evaluate(session: Session, case: dict[str, Any], host: bool) -> dict[str, np.ndarray]:
    """Energy per atom [1], charges [n], forces [n, 3] and, where the case asks for them, stresses of atoms [n, 6]."""
    text = evaluation(
        case["data"],
        case["model"],
        case["types"],
        keywords=case["keywords"],
        kspace=case["kspace"],
        stresses=case.get("stresses", False),
    )
    finished = session.run(text, host=host, most_seconds=60.0)
    table, atoms = thermo(finished.log), dump(finished.folder / "dump.txt")
    found = {
        "energy": np.array([table["PotEng"][-1] / case["n"]]),
        "charge": atoms["q"],
        "force": np.stack([atoms[f"f{axis}"] for axis in "xyz"], axis=1),
    }
    if case.get("stresses"):
        stresses = np.stack([atoms[f"c_s[{k}]"] for k in range(1, 7)], axis=1)
        found["stress"] = stresses
    return found


def deviations(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> dict[str, float]:
    """Largest deviation of each quantity that both have; stresses relative to the largest."""
    result = {}
    for name, values in expected.items():
        scale = max(1e-300, float(np.abs(values).max())) if name == "stress" else 1.0
        result[name] = float(np.abs(found[name] - values).max()) / scale
    return result


def python_reference(case: dict[str, Any]) -> dict[str, np.ndarray]:
    """What the kit has stored of a case, as `evaluate` returns it; charges in the units of LAMMPS are not compared."""
    stored = case["reference"]
    return {"energy": np.array([stored["energy"] / case["n"]]), "force": np.array(stored["forces"])}


def judge(found: dict[str, float], bars: dict[str, float]) -> dict[str, Any]:
    """The deviations with whether each is within its bar."""
    passed = all(found[name] <= bar for name, bar in bars.items() if name in found)
    return {"deviations": found, "passed": passed and all(np.isfinite(list(found.values())))}


def parity(session: Session) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield one result for each comparison; the failure of one does not end the others."""
    for case in json.loads((session.kit / "cases.json").read_text()):
        bars = BARS[case["dtype"]]
        try:
            on_device = evaluate(session, case, host=False)
            result = {"host": judge(deviations(on_device, evaluate(session, case, host=True)), bars)}
            if "reference" in case:
                converged = case["dtype"] == "float64" and not case.get("exact")
                against = CONVERGED if converged else bars
                result["python"] = judge(deviations(on_device, python_reference(case)), against)
            result["passed"] = all(part["passed"] for part in result.values())
        except OutOfTime:
            raise
        except RunFailed as error:
            result = {"error": str(error), "passed": False}
        yield case["name"], result
