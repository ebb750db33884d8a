"""The data formats. Each module defines one `reader.Reader` named ``READER``; `readers.READERS` finds them by import.

To add a format, add a module: how it is recognized, how it is loaded, and its words for ``convscope data``.
"""
