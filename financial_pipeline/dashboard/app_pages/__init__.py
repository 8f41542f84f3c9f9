"""One script per page; `streamlit_app.py` opens the release that a page shows."""
