"""What tunewatch costs, measured as ratios against the same work done without it. Run: `python -m benchmarks`."""
