# SPDX-License-Identifier: MIT
"""The operators of the compiled core that converted networks use, in plain torch.

A converted file contains the layers of its package, and where it can a second form in two operators, `convolution` and
`contraction`, which the compiled core has. Their twins here define them, and stand for them where the core is not installed.
"""

from __future__ import annotations
