"""Compares the answers to the corpus with the committed ones: python -m benchmarks.accuracy.corpus"""

from benchmarks.accuracy.corpus.answers import main

if __name__ == "__main__":
    raise SystemExit(main())
