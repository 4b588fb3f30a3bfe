"""How far a learner has come: what the check cells found, what was handed in, what was graded; and the certificate."""
