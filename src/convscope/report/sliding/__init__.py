"""A sliding window as pictures: `scene` says what is drawn where, `svg` and `raster` draw it, `steps` says it in text.

A `Slide` comes in, an SVG, a GIF or a PNG goes out. Cool: no module here opens a file, and none needs matplotlib.
"""
