"""Reads a page in other views: where the first shows no number, or a doubtful one."""
