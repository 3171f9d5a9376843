"""PDF files, whose pages a process of its own draws."""
