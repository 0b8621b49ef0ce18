"""edge-vsr: synthesised 4K from any video, on the deadline and within the heat of a small board."""

__version__ = "0.1.0"
