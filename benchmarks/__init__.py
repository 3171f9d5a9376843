"""Every published figure of speed and size, one command each."""
