# SPDX-License-Identifier: MIT
"""Charge structure factor of both runs of in.bulk, its exponent for small k and the Stillinger-Lovett law (structure_factor.png).

Both are taken with formal charges of +1 and -1 e, the only ones that the short-range model has.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
from pair_les.analysis.charge_structure import ChargeStructure, stillinger_lovett
from pair_les.analysis.table import format_with_error
from pair_les.analysis.trajectory import Trajectory

matplotlib.use("Agg")
import matplotlib.pyplot as plt

TEMPERATURE = 1800.0  # K, in.bulk
FORMAL = {1: 1.0, 2: -1.0}  # e, by type


def structure(dump: Path, options: argparse.Namespace, formal: bool = True) -> ChargeStructure:
    """S_QQ over the frames of a dump."""
    trajectory = Trajectory([dump])
    found = ChargeStructure(len(trajectory), options.k_max, options.k_width, options.k_fit, TEMPERATURE)
    charges = None
    for snapshot in trajectory:
        if formal and charges is None:
            charges = np.array([FORMAL[kind] for kind in snapshot.types])
        found.add(replace(snapshot, charges=charges) if formal else snapshot)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--k-max", type=float, default=1.0, help="1/A")
    parser.add_argument("--k-width", type=float, default=0.05, help="1/A")
    parser.add_argument("--k-fit", type=float, default=0.35, help="the exponent is that of smaller k, 1/A")
    options = parser.parse_args()

    fig, ax = plt.subplots(figsize=(5.2, 3.8), layout="constrained")
    for model, name in (("latent_charges", "latent charges"), ("short_range", "short range only")):
        found = structure(Path(f"{model}.dump"), options)
        exponent = found.exponent()
        print(f"{name:17} exponent of S_QQ below {options.k_fit:g} / A: {format_with_error(*exponent)}")
        k, value, error = found.k.mean(), found.average.mean(), found.average.error()
        ax.errorbar(k, value, error, fmt="o-", ms=3, lw=1, capsize=2, label=name)
        if model == "latent_charges":
            latent = structure(Path(f"{model}.dump"), options, formal=False).exponent()
            print(f"{'':17} the same with the latent charges themselves: {format_with_error(*latent)}")
            law = stillinger_lovett(TEMPERATURE, float(found.density.mean()))
            small = k[np.isfinite(k) & (k < 1.0)]
            ax.plot(small, law * small**2, "k--", lw=1, label="Stillinger and Lovett, k^2")
            ratio = value[: np.searchsorted(np.nan_to_num(k, nan=np.inf), options.k_fit)] / law
            print(
                f"{'':17} S_QQ at the smallest k over the law: {ratio[np.isfinite(ratio)][0] / k[np.isfinite(k)][0] ** 2:.2f}"
            )
    ax.set(xscale="log", yscale="log", xlabel="k (1/A)", ylabel="S_QQ (e^2)")
    ax.legend()
    fig.savefig("structure_factor.png", dpi=90)


if __name__ == "__main__":
    main()
