"""How a model is trained: the epoch loop, the step in shards, running loss and metrics."""
