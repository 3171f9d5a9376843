"""Other ways to see a picture that the first view does not show well."""
