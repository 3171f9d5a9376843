"""Work on files in processes of their own: a thread cannot be stopped, and may keep all others waiting."""
