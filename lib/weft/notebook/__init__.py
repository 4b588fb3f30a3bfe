"""What runs in the learner's kernel: magics, verdict tables, live views, the start page."""
