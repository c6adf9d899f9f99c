"""Simulated events: a scene says what is where, a pixel model says what a sensor makes of it.

`scene` and `shapes` know nothing of events, `pixel_model` nothing of shapes: another scene, a film or a webcam
gives its images to the same pixel model.
"""
