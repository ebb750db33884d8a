"""Explanation: a model and an image come in, a `SlidingWindow` or an `Explanation` with its `Attribution`s goes out.

All of it is light: ``backward`` is our own backpropagation in NumPy. ``saliency`` lists the attribution methods,
``sanity_checks`` tests each map.
"""
