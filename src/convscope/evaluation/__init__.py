"""Evaluation: logits and labels come in, an ``Evaluation`` with confidence intervals goes out.

All of it is light (NumPy). ``evaluation`` has that value, and ``metrics`` computes it with ``intervals``, ``confusion``
and ``calibration``; ``predict`` runs the NumPy engine on many images, ``label_issues`` finds labels that are likely
wrong.
"""
