"""The parts of the YouTube collector: addresses, calls with their quotas, and the two ways to find videos."""
