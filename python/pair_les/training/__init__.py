# SPDX-License-Identifier: MIT
"""Training: configuration, Lightning module, checkpoints, history, and the run folder."""
