from rankloom import __version__

project = "rankloom"
author = "The rankloom developers"
copyright = "2026, The rankloom developers"
release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"rankloom {release}"

myst_heading_anchors = 3
autodoc_member_order = "groupwise"
autodoc_typehints = "none"  # the numpydoc sections say the types, with their shapes
suppress_warnings = ["ref.python"]  # shapes such as (D,) in the sections are words, not references
napoleon_google_docstring = False
napoleon_use_ivar = True  # a field documented in its class is not announced twice
