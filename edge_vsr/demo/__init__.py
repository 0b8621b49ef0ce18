"""The demonstration: a drawn clip, upscaled, measured, shown."""
