"""The app, for people with no code: streamlit run app.py"""

from digits.app.main import main

if __name__ == "__main__":
    main()
