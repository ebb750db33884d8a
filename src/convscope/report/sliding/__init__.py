"""Figures of a sliding window: `scene` lays them out, `svg` and `raster` draw them, `steps` describes steps as text.

Takes a `SlidingWindow` and returns an SVG, a GIF or a PNG. Light: nothing here opens a file or imports matplotlib.
"""
