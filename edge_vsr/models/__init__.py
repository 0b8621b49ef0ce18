"""Model packages: what a model promises (manifest) and where models live (store)."""
