"""Figures: one module per figure. A function takes values and returns a matplotlib Figure; ``canvas.save`` writes it.

``canvas`` and ``text_layout`` give all figures the same colors and fonts, a title that states the result, units on the
axes, and a second sign besides color. Each figure has a text description, which `save` stores in the file.
Matplotlib's settings are restored after each figure.
"""
