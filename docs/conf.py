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
DIRECTIVES = {
    "Functions": ".. autofunction:: convscope.{}",
    "Classes": ".. autoclass:: convscope.{}\n   :members:",
    "Exceptions": ".. automodule:: convscope.{}\n   :members:",
}


def section_of(name: str) -> str:
    """Which part of the API reference describes a public name."""
    value = getattr(convscope, name)
    return "Exceptions" if inspect.ismodule(value) else "Classes" if inspect.isclass(value) else "Functions"


def reference() -> str:
    """The API reference as MyST: one autodoc directive for each name in ``convscope.__all__``."""
    parts = []
    for section in SECTIONS:
        names = [name for name in convscope.__all__ if section_of(name) == section]
        directives = "\n\n".join(DIRECTIVES[section].format(name) for name in names)
        parts.append(f"## {section}\n\n```{{eval-rst}}\n{directives}\n```")
    return "\n\n".join(parts)


def insert_reference(app, docname: str, content: list[str]) -> None:
    """Fill in the reference when api.md is read, so that it always follows ``convscope.__all__``."""
    if docname == "api":
        content[0] = content[0].replace("<!-- reference -->", reference())


OPTION_HELP: dict[str, dict[str, str]] = {}
"""Public function to the help texts of its options, from the `Annotated` types of its signature."""


def plain_signatures() -> None:
    """Remove what `Annotated` adds to the types of signatures; the help texts become part of the descriptions."""
    for name in convscope.__all__:
        value = getattr(convscope, name)
        signature = getattr(value, "__signature__", None)
        if signature is None or not inspect.isfunction(value):
            continue
        annotated = {key: one for key, one in signature.parameters.items() if hasattr(one.annotation, "__metadata__")}
        OPTION_HELP[f"convscope.{name}"] = {key: one.annotation.__metadata__[0].help for key, one in annotated.items()}
        value.__signature__ = signature.replace(
            parameters=[
                one.replace(annotation=one.annotation.__origin__) if key in annotated else one
                for key, one in signature.parameters.items()
            ]
        )


def describe_options(app, what: str, name: str, value, options, lines: list[str]) -> None:
    """Replace the entry of ``**options`` by one entry for each option, with its help text."""
    if what in ("property", "attribute") and lines:
        lines[0] = lines[0].replace(": ", " – ", 1)  # Napoleon would take what is before a colon for a type
    found = next((i for i, line in enumerate(lines) if line.strip().startswith("**options:")), None)
    if found is not None and name in OPTION_HELP:
        indent = " " * (len(lines[found]) - len(lines[found].lstrip()))
        lines[found : found + 1] = [f"{indent}{option}: {text}" for option, text in OPTION_HELP[name].items()]


def setup(app) -> None:
    """Register the hooks with Sphinx."""
    plain_signatures()
    app.connect("source-read", insert_reference)
    app.connect("autodoc-process-docstring", describe_options, priority=100)
