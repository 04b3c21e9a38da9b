"""What the Python tests share: the real binary as a fixture, and an HTTP client that hides nothing."""
