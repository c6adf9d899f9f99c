"""What teaching gains, without any download: every method on windows that the simulator makes, and what order is worth.

uv run python -m experiments.teaching digits       handwriting of people that no model has seen
uv run python -m experiments.teaching pictograms   concepts that the bundled model has never seen
uv run python -m experiments.teaching one-picture  the same, each concept by one picture: "my mug"
uv run python -m experiments.teaching order        the spiking adapter against others, where order matters or not
uv run python -m experiments.teaching length       how long the adapter's features should be, on validation data
"""
