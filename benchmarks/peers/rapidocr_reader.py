"""Reads the files named on standard input with RapidOCR, and prints the lines of each as JSON.

It runs in an environment of its own, which benchmarks/accuracy/ocr.py makes.
"""

import json
import sys

from rapidocr import RapidOCR

if __name__ == "__main__":
    answers, sys.stdout = sys.stdout, sys.stderr
    engine = RapidOCR()
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        found = engine(line.strip())
        print(json.dumps(list(found.txts or ())), file=answers, flush=True)
