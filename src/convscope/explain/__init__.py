"""What a network computes and why: the sliding window number by number, and maps of what an answer rests on.

Model and picture come in, `Slide` and `Explanation` with its `Heatmap`s go out. All of it is cool: `backward` is our
own backpropagation in NumPy, so that nothing here waits for TensorFlow. `saliency` lists the maps; `conscience` says
what each is worth.
"""
