"""Sphinx configuration. Build the documentation with scripts/docs."""

import inspect

import convscope
from convscope.training.option import option_fields
from convscope.training.options import TrainOptions

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


RESULTS = (
    "data.dataset.LoadedData", "data.dataset.Dataset", "data.dataset.LabelledImage", "api.predict.ImagePredictions",
    "api.predict.ImagePrediction", "api.explain.ImageExplanations", "api.explain.ImageExplanation",
    "api.activations.ImageActivations", "api.evaluate.EvaluateResult", "evaluation.evaluation.Evaluation",
    "api.open.PageResult", "api.summary.NetworkSummary", "api.conv.ShownSlidingWindow", "api.check_data.CheckResult",
    "api.import_model.ImportResult", "api.runs.RunList", "api.runs.RunComparison", "training.run.RunRecord",
    "report.pictures.plot.Plot",
)  # fmt: skip
"""What the public functions and methods return."""


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
    results = "\n\n".join(f".. autoclass:: convscope.{name}\n   :members:" for name in RESULTS)
    parts.append(f"## Results\n\n```{{eval-rst}}\n{results}\n```")
    return "\n\n".join(parts)


def insert_reference(app, docname: str, content: list[str]) -> None:
    """Fill in the reference when api.md is read, so that it always follows ``convscope.__all__``."""
    if docname == "api":
        content[0] = content[0].replace("<!-- reference -->", reference())


def describe_options(app, what: str, name: str, value, options, lines: list[str]) -> None:
    """Replace the entry of ``**options`` by one entry for each option, with its help text."""
    if what in ("property", "attribute") and lines:
        lines[0] = lines[0].replace(": ", " – ", 1)  # Napoleon would take what is before a colon for a type
    found = next((i for i, line in enumerate(lines) if line.strip().startswith("**options:")), None)
    if found is not None:
        indent = " " * (len(lines[found]) - len(lines[found].lstrip()))
        options = [one for one in option_fields(TrainOptions) if one.name != "data"]
        lines[found : found + 1] = [f"{indent}{one.name}: {one.option.help}" for one in options]


def setup(app) -> None:
    """Register the hooks with Sphinx."""
    app.connect("source-read", insert_reference)
    app.connect("autodoc-process-docstring", describe_options, priority=100)
