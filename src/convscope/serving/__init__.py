"""Serve trained networks over HTTP: runs in, an ASGI application out.

Light: `limits`, `request_error`, `engine`. Heavy: `application` and what it uses (Starlette), `server` (uvicorn).
Nothing here imports TensorFlow. Answers come from `api.prediction_stream.Classifier`, as those of `predict` do.
"""
