"""Report: measured values come in, figures and HTML pages go out.

``bundle`` and ``page`` make the page of a run, ``sliding/`` draws a sliding window. ``pictures/`` is heavy
(matplotlib): values in, a Figure out, written as PNG with alt text by ``canvas.save``.
"""
