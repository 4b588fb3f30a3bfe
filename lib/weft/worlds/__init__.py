"""What answers run against: one module each, with its faults and a trace that the answer cannot reach."""
