"""The use cases: one function each, one transaction each.

The first argument is an open write transaction (a read one for `read` and `query`), the second who acts. They
return the JSON shapes of `views`, raise the errors of `domain.errors`, and know nothing of HTTP.

- Whoever comes to a running session settles it first (`access.enter`): a request that arrives after the
  deadline finds the call ended, whether or not the sweeper was there before. That settlement is committed
  even if the request is then refused.
- All that happened goes into the `Journal`: events with ids that rise without gaps within a call, outbox rows
  for what must happen outside, the changed rows. `flush` writes it, once, in the same transaction.
"""
