# SPDX-License-Identifier: MIT
"""The command `pair-les`."""
