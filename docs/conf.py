# SPDX-License-Identifier: MIT
"""Configuration of Sphinx: `make docs` builds the site into build/docs; a warning is an error."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "python"))

from pair_les.version import __version__  # noqa: E402

project = "pair_les"
author = "pair_les developers"
copyright = author
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"pair_les {release}"

# links from the pages to files of the repository stay relative, so that they work where the pages are read as files
suppress_warnings = ["myst.xref_missing"]

autodoc_typehints = "description"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_numpy_docstring = True
napoleon_google_docstring = False

LAMMPS_MANUAL = "https://docs.lammps.org"


def link_lammps_manual(app, env, node, content):
    """Resolve ``:doc:`newton``` and the like, which the manual of LAMMPS knows, to that manual."""
    from docutils import nodes

    if node.get("reftype") != "doc":
        return None
    link = nodes.reference("", "", internal=False, refuri=f"{LAMMPS_MANUAL}/{node['reftarget']}.html")
    link += content
    return link


def setup(app):
    """Register what the pages use beyond the extensions: links to the manual of LAMMPS, highlighting of its inputs."""
    from pygments.lexers.shell import BashLexer

    app.connect("missing-reference", link_lammps_manual)
    app.add_lexer("LAMMPS", BashLexer)
