"""Report: measured values come in, pictures (and later one page) go out.

``pictures/`` draws a run, an evaluation, a prediction or a network with matplotlib: values in, a Figure out, and
``save`` writes it as PNG with its description. Import it only when a picture is wanted: matplotlib takes a while.
"""
