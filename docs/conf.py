"""How Sphinx builds these pages: scripts/docs build."""

project = "convscope"
copyright = "the convscope authors"  # noqa: A001
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["figures"]
nitpicky = True

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = "convscope"
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
"""The colours of the page, web/style.css."""
