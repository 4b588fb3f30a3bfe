"""The course as its authors see it: finding challenges, pairing notebooks, releasing, verifying, scaffolding."""
