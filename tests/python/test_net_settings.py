# SPDX-License-Identifier: MIT
"""What the network refuses, and what it says."""

from __future__ import annotations

import pytest
from pair_les.net import LESNet, NetSettings


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("cutoff", 0.0, "cutoff = 0.0: must be a positive number of angstrom; use for example 5.5"),
        ("cutoff", float("nan"), "cutoff = nan: must be a positive"),
        ("n_radial", 1, "n_radial = 1: must be an integer from 2 to 64; use for example 8"),
        ("l_max", 4, "l_max = 4: must be an integer from 1 to 3; use for example 3"),
        ("n_channels", 2.5, "n_channels = 2.5: must be an integer from 1 to 512"),
        ("body_order", 6, "body_order = 6: must be an integer from 3 to 5"),
        (
            "message_passing_layers",
            2,
            "message_passing_layers = 2: must be an integer from 0 to 1; use for example 0",
        ),
        ("message_channels", 0, "message_channels = 0: must be an integer from 1 to 512; use for example 16"),
        ("message_l_max", 0, "message_l_max = 0: must be an integer from 1 to 3; use for example 2"),
        ("hidden", (), r"hidden = \(\): must name at least one hidden layer"),
        ("hidden", (64, 0), "hidden = 0: must be an integer from 1 to 4096"),
    ],
)
def test_settings_are_checked(key, value, message):
    with pytest.raises(ValueError, match=message):
        NetSettings(**{"cutoff": 5.0, key: value})


def test_messages_need_all_products_and_harmonics():
    with pytest.raises(
        ValueError, match="body_order = 4: must be 5 where message_passing_layers = 1; use body_order 5"
    ):
        NetSettings(cutoff=5.0, message_passing_layers=1, body_order=4)
    with pytest.raises(ValueError, match="message_l_max = 2: must not exceed l_max = 1; use message_l_max 1"):
        NetSettings(cutoff=5.0, message_passing_layers=1, l_max=1)
    assert NetSettings(cutoff=5.0, l_max=1).message_l_max == 2  # without effect, hence no error


@pytest.mark.parametrize(
    ("species", "references", "message"),
    [
        ([], None, r"species = \[\]: must be different chemical symbols"),
        (["O", "O"], None, "must be different chemical symbols"),
        (["O", "H"], {"O": -1.0}, "reference_energies: no value for H; add 'H: <eV per atom>'"),
        (["O"], {"O": -1.0, "Na": 0.0}, "Na is not a species of this model; use only O"),
        (["O"], {"O": float("inf")}, "O = inf: must be a finite number of eV"),
    ],
)
def test_species_and_references_are_checked(species, references, message):
    with pytest.raises(ValueError, match=message):
        LESNet(species, NetSettings(cutoff=3.0), charge=True, reference_energies=references)
