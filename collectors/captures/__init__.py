"""What a researcher's browser was shown, as the extension Zeeschuimer exports it: one module a platform."""
