"""A sliding window as pictures: `scene` says what is drawn where, `svg` and `raster` draw it, `steps` says it in text.

A `SlidingWindow` comes in, an SVG, a GIF or a PNG goes out. All of it is light: nothing here opens a file or imports
matplotlib.
"""
