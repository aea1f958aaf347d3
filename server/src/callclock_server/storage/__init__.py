"""Tables, every SQL statement, migrations, transactions. No policy: nothing here decides.

- A transaction is opened by `Database.read()` or `Database.write()` and belongs to one use case; nothing
  commits in mid-flow.
- Times are stored as integers, microseconds since 1970 in UTC, so that comparing numbers compares times.
- `sessions` is the timer (design rule 10): at most one running row for each call (a unique partial index),
  and `next_alarm_at` under a partial index of the running ones.
- `events` is append-only; `position` orders everything, `id` counts within a call without gaps.
- Rows of `outbox` are promises of external effects, written with what causes them and worked off elsewhere.

Locks on PostgreSQL, where many transactions write at once (on SQLite the one writer has everything):

1. *Calls.* The row of a call is the lock of everything in it: sessions, participants, members, ledger.
   Whoever changes any of these has locked the call first (`calls.lock`, several in the order of their cids)
   and reads them afterwards; inserting a call locks it too. The sweeper takes the same locks and no others,
   passing over those that are taken (`sessions.claim_due`), so it never waits with a call in its hands.
2. *Rows without a call*: roles, call types, users (in the order of their ids), idempotency keys. Whoever
   needs the calls that a change of these concerns locks them before.
3. *The numbering of events* (`dialect.lock_numbering`), held until the commit: positions become visible in
   their order. Take nothing after it that another may hold while it waits for the numbering.

`outbox` rows are claimed passing over those that are taken. A transaction that meets a deadlock all the same,
or finds that another has just inserted or deleted what it had looked for, is run again by `Database.run`.
"""
