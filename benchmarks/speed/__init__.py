"""How fast training, service, app and command line are."""
