"""What a network computes and why: the sliding window number by number, and maps of what an answer rests on.

Model and picture come in, `Slide` and `Heatmap` go out. Cool: convolution, heatmap. Hot: saliency.
"""
