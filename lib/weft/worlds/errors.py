"""What goes wrong with a world itself."""


class WorldError(RuntimeError):
    """A world does not work: our fault, so the judge calls it broken."""
