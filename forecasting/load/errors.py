"""What loading is refused with."""


class LoadRefused(ValueError):
    """Files that can't be loaded at all; the message names the file, what it holds and what to do."""
