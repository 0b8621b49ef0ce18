"""From a small frame to a large one: analyse, base, tiles, net, scatter."""
