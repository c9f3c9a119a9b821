"""Recorded histories: what engines of before have written into journals. Later ones must still read it alike."""
