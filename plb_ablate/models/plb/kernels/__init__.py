"""How the layers are made fast: the same functions as the plain ones, with gradients of their own."""
