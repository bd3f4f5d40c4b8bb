"""The parts of the X collector: addresses, requests, prices, paging and posts."""
