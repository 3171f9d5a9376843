"""How many threads OpenCV uses in the service."""

import cv2


def one_thread_for_each_image() -> None:
    """Keeps OpenCV from spreading the work on one image over all processors.

    A busy service reads as many images at a time as there are processors, so that this only costs time. It costs memory
    as well: for a page of 640,000 dots, OpenCV takes 44 MB on one thread, 186 on two and 1,370 on sixteen.
    """
    cv2.setNumThreads(1)
