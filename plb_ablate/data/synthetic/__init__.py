"""The embedded corpus: sentences of formant synthesis by invented speakers, made on first use."""
