"""Puts tables that the code makes into pages whose other text is written by hand."""

from collections.abc import Mapping


def with_tables(page: str, tables: Mapping[str, str]) -> str:
    """Returns a page in Markdown with each table between its marks, `<!-- name -->` and `<!-- end of name -->`.

    Args:
        page: the text of the page, with all marks on lines of their own.
        tables: in Markdown, without a line break at the end, by name.

    Raises:
        ValueError: the page lacks the marks of a table.
    """
    for name, table in tables.items():
        start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        before, opening, rest = page.partition(start)
        _, closing, after = rest.partition(end)
        if not opening or not closing:
            raise ValueError(f"The page has no place for the table of {name}. Add: {start.strip()} ... {end}")
        page = f"{before}{start}{table}\n{end}{after}"
    return page
