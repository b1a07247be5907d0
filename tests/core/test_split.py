# SPDX-License-Identifier: MIT
"""The pure functions of the split in C++ against their Python twins, and the table of D against D."""

import itertools

import numpy as np
import pytest
import tolerances
from pair_les import LongRange
from pair_les.long_range import split as twin

core = pytest.importorskip("pair_les._core", reason="the C++ core is not built: type 'pip install .'")

SIGMAS = (0.5, 1.0, 2.0)
RADII = (0.0, 1e-6, 0.03, 0.1, 0.5, 1.0, 2.7, 5.0, 9.9)


def pairs(sigma, self_interaction=False, k_e=14.3996454784):
    return (core.LongRange(sigma, k_e, self_interaction), LongRange(sigma, k_e, self_interaction))


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("self_interaction", [False, True])
def test_corrections(sigma, self_interaction):
    cpp, python = pairs(sigma, self_interaction)
    close = pytest.approx
    assert core.g_ewald_from_sigma(sigma) == close(twin.g_ewald_from_sigma(sigma), rel=1e-15)
    assert core.self_energy_factor(cpp) == close(twin.self_energy_factor(python), rel=1e-15)
    assert core.background_energy(1.5, 900.0, cpp) == close(
        twin.background_energy(1.5, 900.0, python), rel=1e-14
    )
    assert core.potential_correction(-0.4, 1.5, 900.0, cpp) == close(
        twin.potential_correction(-0.4, 1.5, 900.0, python), rel=1e-14
    )
    assert core.split_background_virial(1.5, 900.0, cpp, 0.3) == close(
        twin.split_background_virial(1.5, 900.0, python, 0.3), rel=1e-14
    )


@pytest.mark.parametrize(("sigma", "g", "r"), list(itertools.product(SIGMAS, (0.2, 0.35, 0.5, 0.9), RADII)))
def test_split_pair_potential(sigma, g, r):
    expected = twin.split_pair_potential(r, sigma, g, 14.4)
    scale = abs(twin.split_pair_potential(0.0, sigma, g, 14.4)[0])
    assert core.split_pair_potential(r, sigma, g, 14.4) == pytest.approx(
        expected, rel=tolerances.PURE_FUNCTION_RELATIVE, abs=1e-14 * scale
    )
    assert core.smeared_coulomb(r, sigma, 14.4) == pytest.approx(
        twin.smeared_coulomb(r, sigma, 14.4), rel=tolerances.PURE_FUNCTION_RELATIVE, abs=1e-14
    )


def test_matched_mode_leaves_nothing():
    assert core.split_pair_potential(2.0, 1.3, core.g_ewald_from_sigma(1.3), 14.4) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("sigma", "g", "cutoff"), [(1.0, 0.25, 12.0), (1.0, 0.5, 6.0), (0.4, 0.3, 9.0), (2.0, 0.3, 20.0)]
)
def test_table_error_is_what_it_says(sigma, g, cutoff):
    """Bar: 1e-8 relative. The derivative is that of r^2, as the force loop uses it."""
    cpp, _ = pairs(sigma)
    table = core.SplitTable(cpp, g, cutoff)
    assert table.relative_error < 5e-9
    value0, _ = twin.split_pair_potential(0.0, sigma, g, 14.3996454784)
    rng = np.random.default_rng(3)
    worst_value, worst_slope, slope0 = 0.0, 0.0, None
    for r in np.concatenate([[1e-3], rng.uniform(0.0, cutoff, 4000), [cutoff]]):
        value, slope = table(r * r)
        exact, derivative = twin.split_pair_potential(r, sigma, g, 14.3996454784)
        slope0 = slope0 or derivative / r
        worst_value = max(worst_value, abs(value - exact))
        worst_slope = max(worst_slope, abs(slope - derivative / r))
    assert worst_value < 1e-8 * abs(value0)
    assert worst_slope < 1e-8 * abs(slope0)


def test_table_is_conservative():
    """The tabulated force is the derivative of the tabulated energy, whatever the error of the table."""
    table = core.SplitTable(core.LongRange(1.0), 0.3, 9.0)
    for s in np.linspace(0.3, 80.0, 50):
        step = 1e-4
        numeric = (table(s + step)[0] - table(s - step)[0]) / (2 * step)
        assert 2 * numeric == pytest.approx(table(s)[1], rel=1e-6, abs=1e-9)
