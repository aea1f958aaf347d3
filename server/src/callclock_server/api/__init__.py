"""The edge: HTTP routes by resource, authentication, problems, and the event stream.

A request travels: `limits.py` (size, type, request id, headers) -> `auth.py` (who) -> a route (shape)
-> `transaction.py` (one transaction, with the idempotency key inside) -> a use case of `calls/`.
Answers are the plain dicts of `calls/views.py`; `schemas.py` describes them for the OpenAPI file.
Nothing here decides a rule of the domain and nothing here writes SQL.
"""
