"""The tests."""

import inspect
import signal

import httpx

# What a shell starts in the background ignores Ctrl-C, and so would the processes that the tests start and stop.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# On a busy machine a server may take longer to answer than the five seconds that httpx waits.
inspect.signature(httpx.post).parameters["timeout"].default.read = 30.0
