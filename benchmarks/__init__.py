"""The commands that measure every published figure: speed, accuracy, hostile input and faults."""
