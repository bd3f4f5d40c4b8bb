"""What the Mastodon collector is made of: addresses, one server's API, the way through a timeline, and reading posts."""
