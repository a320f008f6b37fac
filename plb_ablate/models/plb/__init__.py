"""The Pattern Learning Block network: its builder, its loss, its layers and how these are made fast."""
