"""Instruments that run inside an answer's process."""
