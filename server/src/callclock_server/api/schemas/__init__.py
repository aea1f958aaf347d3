"""Wire schemas: what requests may contain, and what answers and events do contain.

Requests are validated with these models (unknown keys are refused). Answers and events are built by
`calls/views.py`; here they are described for the OpenAPI and the event schema, and tests hold the
two together.
"""
