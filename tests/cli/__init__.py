"""The program, driven as a person drives it."""
