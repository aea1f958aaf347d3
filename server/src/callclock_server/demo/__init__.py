"""The demonstration: one appointment for two, with links that need no sign-in.

It hands a user's token to whoever can reach it, so its routes exist only under `callclock demo`, which
listens on loopback unless told otherwise. Everything is loaded through the public Python SDK. The present
appointment is the newest call of its type; no other state is kept.
"""
