"""The command line: a command parses, calls one verb, and prints text or ``--json``.

Progress goes to stderr, results to stdout. No command imports TensorFlow before it has to.
"""

from convscope.cli.app import main, program

__all__ = ["main", "program"]
