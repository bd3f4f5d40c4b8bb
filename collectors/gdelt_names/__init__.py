"""How GDELT names languages and countries."""
