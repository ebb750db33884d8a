"""Sphinx configuration. Build the documentation with scripts/docs."""

import inspect

import convscope

project = "convscope"
copyright = "the convscope authors"  # noqa: A001
release = version = convscope.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["figures"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88
add_module_names = False
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_custom_sections = ["Source"]
default_role = "literal"

html_theme = "furo"
html_title = f"convscope {release}"
html_static_path = ["_static"]
html_css_files = ["convscope.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#0b57a8",
        "color-brand-content": "#0b57a8",
        "color-background-primary": "#fbfaf7",
        "color-background-secondary": "#f3f1ec",
        "color-foreground-primary": "#1b1f24",
    },
    "dark_css_variables": {
        "color-brand-primary": "#7db7f5",
        "color-brand-content": "#7db7f5",
        "color-background-primary": "#14171c",
        "color-background-secondary": "#1c2027",
        "color-foreground-primary": "#e9ebee",
    },
}
"""The same colors as the interactive page, web/style.css."""

SECTIONS = ("Functions", "Classes", "Exceptions")


def section_of(name: str) -> str:
    """Which part of the API reference describes a public name."""
    value = getattr(convscope, name)
    if not inspect.isclass(value):
        return "Functions"
    return "Exceptions" if issubclass(value, BaseException) else "Classes"


def reference() -> str:
    """The API reference as MyST: one autodoc directive for each name in ``convscope.__all__``."""
    parts = []
    for section in SECTIONS:
        names = [name for name in convscope.__all__ if section_of(name) == section]
        directives = [
            f".. autofunction:: convscope.{name}"
            if section == "Functions"
            else f".. autoclass:: convscope.{name}\n   :members:"
            for name in names
        ]
        if directives:
            parts += [f"## {section}", "```{eval-rst}", *directives, "```"]
    return "\n\n".join(parts).replace("```{eval-rst}\n\n", "```{eval-rst}\n").replace("\n\n```\n", "\n```\n")


def insert_reference(app, docname: str, content: list[str]) -> None:
    """Fill in the reference when api.md is read, so that it always follows ``convscope.__all__``."""
    if docname == "api":
        content[0] = content[0].replace("<!-- reference -->", reference())


def setup(app) -> None:
    """Register the hook with Sphinx."""
    app.connect("source-read", insert_reference)
