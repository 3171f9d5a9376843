"""Reads the files named on standard input with EasyOCR, limited to digits, and prints the lines of each as JSON.

It runs in an environment of its own, which benchmarks/accuracy/ocr.py makes. Its networks come from the package index,
too; EasyOCR checks that they are those of its own release.
"""

import json
import sys
from importlib import resources

import easyocr

if __name__ == "__main__":
    answers, sys.stdout = sys.stdout, sys.stderr
    with resources.as_file(resources.files("easyocr_en_models") / "models") as networks:
        reader = easyocr.Reader(
            ["en"], gpu=False, verbose=False, model_storage_directory=str(networks), download_enabled=False
        )
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(reader.readtext(line.strip(), detail=0, allowlist="0123456789")), file=answers, flush=True)
