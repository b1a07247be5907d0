# SPDX-License-Identifier: MIT
"""The Python interface: train on files or frames in memory, and use the model that results."""
