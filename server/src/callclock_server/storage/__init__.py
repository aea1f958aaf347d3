"""Tables, every SQL statement, migrations, transactions. No policy: nothing here decides.

- A transaction is opened by `Database.read()` or `Database.write()` and belongs to one use case; nothing
  commits in mid-flow.
- Times are stored as integers, microseconds since 1970 in UTC, so that comparing numbers compares times.
- `sessions` is the timer (design rule 10): at most one running row for each call (a unique partial index),
  and `next_alarm_at` under a partial index of the running ones.
- `events` is append-only; `position` orders everything, `id` counts within a call without gaps.
- Rows of `outbox` are promises of external effects, written with what causes them and worked off elsewhere.
"""
