"""Bad pictures of digits and of other things, on which the weights of views are fitted."""
