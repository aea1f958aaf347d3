"""The asynchronous client, written by hand. `callclock._sync` is made from it by `tools/generate_sync.py`."""
