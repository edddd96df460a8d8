"""The conformance kit, for the built-in methods and for third parties alike."""
