# SPDX-License-Identifier: MIT
"""``pair-les data``: what a data set contains, and what training would refuse."""
