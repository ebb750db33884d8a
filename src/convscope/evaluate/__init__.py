"""Evaluate: logits and labels come in, an ``Evaluation`` with its uncertainty goes out.

``metrics`` (cool) puts it together from ``intervals``, ``confusion`` and ``calibration`` (cool, NumPy alone);
``predict`` turns images into predictions through the NumPy engine. Nothing here imports TensorFlow.
"""
