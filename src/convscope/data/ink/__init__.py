"""Find handwritten ink on a photo: grayscale images in; levels of the ink, its boxes and an `InkReport` out.

Light: NumPy only. ``web/core`` repeats it in JavaScript, so everything is integer arithmetic, or float64 in a stated
order that is rounded once.
"""
