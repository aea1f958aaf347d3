"""A Callclock server for the tests of your application, with a clock that your tests move on.

    with EmbeddedServer() as server, server.client() as client:
        ...
        client.test_clock.advance(3600)

Under pytest the fixtures `callclock_server`, `callclock_client` and `async_callclock_client` do this for you;
installing the SDK is enough for pytest to find them. The package `callclock-server` must be installed beside
it: the server runs as a process of its own.
"""

from callclock.testing._embedded import EmbeddedServer, ServerNotInstalled, ServerNotStarted

__all__ = ["EmbeddedServer", "ServerNotInstalled", "ServerNotStarted"]
