"""The attribution methods, one module each: it defines one `Explainer` named ``EXPLAINER``."""
