"""Many trainings of one dataset: what is tried, what was tried already, and which recipe is best.

Comes in: parameters as text. Goes out: trials and their results. Light except `journal` and `proposals`, which import
Optuna.
"""
