"""One function per command; the methods of `Run` are these functions.

Options come in, a result dataclass goes out; nothing here prints. Everything is light but ``train`` and
``check_data`` with a run (both import TensorFlow when called), and ``pictures`` (imports matplotlib).
"""
