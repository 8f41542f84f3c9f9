"""The dashboard: a Streamlit app that reads the published version and nothing else."""
