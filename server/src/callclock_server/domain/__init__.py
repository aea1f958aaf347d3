"""Pure rules: no I/O, no clock. `(state, input, now) -> state, events`.

Invariants that everything else leans on (checked by property tests):

- while a session has a limit, its deadline is `started_at` plus the sum of its ledger's seconds;
- a session with a limit ends, once, and `ended_at` is then the deadline (or the moment of an explicit end);
- a warning is announced at most once for each threshold and deadline;
- nothing but a change of the limit moves the deadline.
"""
