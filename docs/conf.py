"""Settings of the documentation: `make docs` builds it, with every warning an error."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

import chainrule

project = "chainrule"
author = "The chainrule developers"
copyright = author
version = release = chainrule.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "mathml", "plain_docstrings"]
exclude_patterns = ["_build"]
root_doc = "index"

highlight_language = "none"  # the blocks in docstrings are formulas
myst_enable_extensions = ["dollarmath", "amsmath", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "none"  # the docstrings give the shapes

html_math_renderer = "mathml"
html_theme = "furo"
html_title = f"chainrule {version}"
html_copy_source = False
html_show_sphinx = False
html_static_path = ["_static"]
html_css_files = ["formulas.css"]
