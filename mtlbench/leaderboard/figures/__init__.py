"""Figures of the boards: their numbers as CSV files, which need nothing, and pictures, which need matplotlib."""
