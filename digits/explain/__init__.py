"""Answers, pictures and models explained in words and pictures."""
