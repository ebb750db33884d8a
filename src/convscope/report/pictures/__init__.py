"""Pictures a person wants to see: one module a picture, values in, a matplotlib Figure out; ``canvas.save`` writes it.

All look the same because all draw on ``canvas`` with ``lettering``: one set of colours and fonts, a title that says
the finding, units on the axes, and never a colour as the only sign. Each figure carries its own description for
people who cannot see it, and `save` puts it into the file. Settings of matplotlib are restored after each drawing.
"""
