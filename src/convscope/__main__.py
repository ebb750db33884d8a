"""``python -m convscope``."""

from convscope.cli import program

if __name__ == "__main__":
    program()
