"""Input files on their way in: detection, the immutable archive, live fetching, restatements."""
