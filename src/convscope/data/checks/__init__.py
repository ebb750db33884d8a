"""The data checks. Each module defines one `data_check.DataCheck` named ``CHECK``, and is found by import.

To add a check, add a module: what it looks for, its options (keyword arguments with defaults), and its words for
``convscope data check`` and the report page.
"""
