"""Input files on their way in: recognition, the immutable archive, live fetching, restatements."""
