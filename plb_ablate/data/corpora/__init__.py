"""The corpora, one file each: how its names are decoded, its classes, its reference counts."""
