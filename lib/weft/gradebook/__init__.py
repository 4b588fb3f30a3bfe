"""Our one step in nbgrader's pipeline, and what stands around it: store, fan-out, feedback, reports."""
