"""TikTok's Research API: its access token and one request in its words."""
