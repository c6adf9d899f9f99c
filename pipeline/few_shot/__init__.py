"""Learning classes from a few examples, with CLIP frozen: NeuroCLIP's spiking adapter and what it is compared with.

Everything here works on features that are kept, float32 (N, T, C): N windows of T timesteps, encoded once.
"""
