"""What a user would run instead of Digits: the same network behind other servers, each in its own environment."""
