"""A trial: a Vision Transformer leaves out the patches of an event frame in which nothing happened."""
