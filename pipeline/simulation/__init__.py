"""Simulated events: a scene says what is where, a pixel model says what a sensor makes of it.

`things` and `ground` are what a scene is painted with; `waving` (in turn, or a crowd), `saccades` and `led` (it does
what it is told) are scenes. None of them knows of events, and `pixel_model` knows nothing of things: a film or a
webcam gives its pictures to the same pixel model.
"""
