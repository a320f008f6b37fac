"""Corpora in their official layout: file names, labels, speakers, recordings, downloads and the synthetic corpus.

In: the name and the folder of a corpus. Out: a `Corpus` with its utterances in the published order; no audio is decoded
to list them.
"""
