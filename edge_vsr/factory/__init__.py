"""The model factory: data → degradations → training → quantisation → export → evaluation. Needs torch."""
