"""The default model: features, training, evaluation and decisions."""
