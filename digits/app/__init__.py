"""The app for people who write no code, made with Streamlit."""
