"""Where atoms are on average: densities on a grid, their surfaces, free energies and the paths through them."""
