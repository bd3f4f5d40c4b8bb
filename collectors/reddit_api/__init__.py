"""The parts of the Reddit collector: addresses, its door (token, quota, refusals), listings and posts."""
