"""`python -m digits` is the `digits` command."""

from digits.cli.main import main

raise SystemExit(main())
