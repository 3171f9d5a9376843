"""Takes a line apart into what may be digits: layout, cuts, lattice, windows, and the network that looks at them."""
