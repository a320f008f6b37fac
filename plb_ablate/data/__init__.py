"""Corpora as their authors distribute them: file names, labels, speakers, recordings; downloads; the embedded corpus.

In: a folder. Out: a `Corpus`, its utterances in published order; no audio is decoded to list them.
"""
