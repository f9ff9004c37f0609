"""Side by side with peers: ``python -m tests.benchmarks --help``, and README.md here."""
