"""Exporting: a trained network as files that run elsewhere and give the same answer to the same image.

In: a `model.model_file.Model` and images to compare with. Out: files, each opened again by its own runtime before it
is published. One module per format; `formats.EXPORTERS` names them. Light: a runtime is imported where it is used.
"""
