"""The same job, done with what a Python team would take instead: APScheduler, Celery, procrastinate.

The job, at the instant that a session is due: mark it as ended in PostgreSQL, write two event rows, commit,
and tell two watchers. `job.py` is that job, the same statements for all; `with_*.py` are processes that
schedule it and work it off; `race.py` starts them one after the other and takes the time.

What favours them: events are written from text that is ready, nothing is rendered or decided; watchers are
told through Redis, which costs a fraction of a WebSocket; nothing is checked against a change in between.
"""
