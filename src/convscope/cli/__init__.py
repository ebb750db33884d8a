"""The command line: a command parses its arguments, calls one function of `api`, and prints text or ``--json``.

Progress goes to stderr, results to stdout. No command imports TensorFlow before it needs it.
"""

from convscope.cli.app import main, program

__all__ = ["main", "program"]
