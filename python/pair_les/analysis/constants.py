# SPDX-License-Identifier: MIT
"""Constants of nature of the analysis (CODATA 2018)."""

BOLTZMANN = 8.617333262e-5
"""eV / K."""

LIGHT = 2.99792458e6
"""angstrom / ps."""

WAVENUMBER = 33.35640952
"""1/cm per 1/ps: frequency over the velocity of light."""

FARADS = 1602.176634
"""Microfarad per cm^2 in one e / (V angstrom^2)."""
