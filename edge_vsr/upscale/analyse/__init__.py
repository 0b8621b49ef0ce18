"""What a frame suffers from: cheap, classical, explained estimates that condition the nets."""
