"""The parts that the pages of the app are composed of."""
