"""The signs that stand among digits: their kinds, the network that tells them apart, and those that are mere dots."""
