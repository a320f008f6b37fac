"""What every room needs: errors, signals, atomic files, seeds, provenance. Knows no other room.

In: nothing. Out: small functions that say nothing about speech or networks.
"""
