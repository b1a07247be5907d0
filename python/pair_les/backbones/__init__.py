# SPDX-License-Identifier: MIT
"""Networks of others as the short-range part of a model that is trained here (`model.backbone`).

A backbone is made from a checkpoint of another package (`packages`), as a new network of one (`new_mace`), or from any class of the
protocol (`classes`, docs/developer/backbones.md); `registry` knows which name is what.
"""
