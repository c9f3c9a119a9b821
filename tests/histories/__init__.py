"""Recorded histories: what engines of before have written into histories. Later ones must still read it alike."""
