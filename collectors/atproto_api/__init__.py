"""Parts of the Bluesky collector: the AppView, the Jetstream, and the posts that both speak of."""
