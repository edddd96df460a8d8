"""Pictures of figures, with matplotlib; nothing else in mtlbench imports it."""
