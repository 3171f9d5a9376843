"""The speed and size of training, service, app and command line."""
