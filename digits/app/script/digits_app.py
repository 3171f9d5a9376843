"""The script that Streamlit runs for `digits app` and `digits run`.

Streamlit puts the folder of its script first on the path. This script has a folder of its own, so that no other module
of the app can be imported under a second name, or in the place of a module of the same name. Streamlit reads the
settings in `.streamlit/config.toml` beside it.
"""

from digits.app.main import main

main()
