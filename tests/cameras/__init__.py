"""Event cameras on a make-believe USB bus: real drivers find, open and read them, and see them fail.

See docs/virtual-cameras.md.
"""
