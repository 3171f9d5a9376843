"""The tests."""

import signal

# What a shell starts in the background ignores Ctrl-C, and so would the processes that the tests start and stop.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
