"""The two routes of the Telegram collector: the web preview of a channel, and a bot that its administrator added."""
