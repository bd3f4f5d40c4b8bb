"""The parts of the HTTP client. Collectors use `collectors.fetch`, which is their public face."""
