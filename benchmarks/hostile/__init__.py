"""Files and requests that are made to do harm."""
