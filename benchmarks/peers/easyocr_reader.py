"""Reads the files named on standard input with EasyOCR, limited to digits, and prints the lines of each as JSON.

It runs in an environment of its own, which benchmarks/accuracy/ocr.py makes. EasyOCR fetches its networks when it first
runs.
"""

import json
import sys

import easyocr

if __name__ == "__main__":
    answers, sys.stdout = sys.stdout, sys.stderr
    reader = easyocr.Reader(["en"], gpu=False, verbose=False)
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(reader.readtext(line.strip(), detail=0, allowlist="0123456789")), file=answers, flush=True)
