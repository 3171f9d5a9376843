"""The stage: one place on a page in which every way to give a picture shows it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from digits.app.components.browser import browser_component
from digits.app.components.canvas import Drawing, ShownPicture, show_canvas
from digits.app.components.paste import paste_zone
from digits.app.language import say
from digits.errors import ImageError, ImageTooLargeError
from digits.images.limits import ImageLimits


@dataclass(frozen=True)
class OnStage:
    """What a stage shows.

    Args:
        name: the picture's name, which tells it from others; "" for a drawing.
        file: the image file; None if nothing is drawn.
        live: whether a stroke is still going on.
        files: the files of an upload of several.
        problem: why the browser has kept the file back; None if it has not.
    """

    name: str = ""
    file: bytes | None = None
    live: bool = False
    files: tuple[UploadedFile, ...] = ()
    problem: ImageError | None = None


@dataclass(frozen=True)
class Stage:
    """A page's stage, whose content the visitor's session keeps.

    Args:
        page: the page's name, which starts its session keys.
        label: what to draw, in English, for people who do not see the canvas.
        proportion: the canvas's width as a share of its height.
        several: whether several files can be uploaded at a time.
        live: whether drawings are sent while a stroke goes on.
        only_canvas: whether there is no other way to give a picture.
    """

    page: str
    label: str
    proportion: float = 1.0
    several: bool = False
    live: bool = False
    only_canvas: bool = False

    @property
    def key(self) -> str:
        """The session key of the `OnStage`."""
        return f"{self.page} stage"

    def content(self) -> OnStage:
        """Returns what the stage shows."""
        content: OnStage = st.session_state.get(self.key, OnStage())
        return content

    def put(self, source: str, file: bytes | None, files: Sequence[UploadedFile] = ()) -> None:
        """Shows a picture from the next run on, in the place of what was there.

        Args:
            source: how it was given.
            file: the image file; None for several files.
            files: the files of an upload of several.
        """
        count = self._count("pictures")
        st.session_state[self.key] = OnStage(f"{source} {count}", file, files=tuple(files))
        st.session_state[self._camera] = False

    def empty(self) -> None:
        """Takes away what the stage shows, from the next run on."""
        st.session_state[self.key] = OnStage()
        st.session_state[self._emptied] = st.session_state.get(self._emptied, 0) + 1

    def show(self, picture: ShownPicture) -> None:
        """Shows the canvas, or the camera if it is open, and below it the other ways to give a picture.

        Args:
            picture: the picture to show on the canvas.
        """
        camera_open = bool(st.session_state.get(self._camera, False))
        if camera_open:
            st.camera_input(
                say("Photo"), key=f"{self.page} photo", on_change=self._keep_photo, label_visibility="collapsed"
            )
        else:
            show_canvas(
                f"{self.page} canvas",
                picture,
                self._keep_drawing,
                label=say(self.label),
                proportion=self.proportion,
                live=self.live,
                emptied=int(st.session_state.get(self._emptied, 0)),
            )
        if self.only_canvas:
            return
        with st.container(horizontal=True, key="ways"):
            st.file_uploader(
                say("Upload pictures") if self.several else say("Upload a picture"),
                # Any file: of one that is no picture the app says what to send instead, beside no other answer.
                accept_multiple_files=True,
                key=self._uploader,
                on_change=self._keep_uploads,
                label_visibility="collapsed",
                width=150,
            )
            paste_zone(f"{self.page} paste", self._keep_pasted)
            st.button(
                say("Draw") if camera_open else say("Camera"),
                key=f"{self.page} open camera",
                icon=":material/edit:" if camera_open else ":material/photo_camera:",
                on_click=self._open_camera,
                args=(not camera_open,),
            )
            browser_component("uploads", "<span></span>")(
                key=f"{self.page} uploads watched",
                data={"max_bytes": ImageLimits.max_bytes},
                on_too_large_change=self._keep_too_large,
            )

    @property
    def _emptied(self) -> str:
        """The session key of how often the canvas was emptied."""
        return f"{self.page} emptied"

    @property
    def _camera(self) -> str:
        """The session key of whether the camera is open."""
        return f"{self.page} camera open"

    @property
    def _uploader(self) -> str:
        """The session key of the uploader. Its number changes, so that each upload meets an empty one."""
        return f"{self.page} upload {st.session_state.get(f'{self.page} uploads', 0)}"

    def _count(self, name: str) -> int:
        key = f"{self.page} {name}"
        st.session_state[key] = st.session_state.get(key, 0) + 1
        return int(st.session_state[key])

    def _keep_drawing(self, drawing: Drawing) -> None:
        st.session_state[self.key] = OnStage(file=drawing.file, live=drawing.live)

    def _keep_pasted(self, picture: bytes) -> None:
        self.put("paste", picture)

    def _keep_uploads(self) -> None:
        uploads = st.session_state.get(self._uploader) or []
        if uploads and (len(uploads) == 1 or not self.several):
            self.put("upload", uploads[-1].getvalue())
        elif uploads:
            self.put("uploads", None, uploads)
        self._count("uploads")

    def _keep_too_large(self) -> None:
        """Shows why nothing came of an upload: Streamlit would say so in a hint alone, beside the old answer."""
        which = st.session_state[f"{self.page} uploads watched"]["too_large"]
        size = ImageLimits.max_bytes // 1024**2
        if which == "all":
            self.put("too large", None)
            problem = ImageTooLargeError(f"The file is larger than the {size} MB allowed. Choose a smaller picture.")
            st.session_state[self.key] = replace(st.session_state[self.key], problem=problem)
            # An empty uploader, without its own sign of the refused file.
            self._count("uploads")
        elif which == "some":
            st.toast(say("A file is larger than {size} MB, and was left out.", size=size))

    def _keep_photo(self) -> None:
        photo = st.session_state[f"{self.page} photo"]
        if photo is not None:
            self.put("photo", photo.getvalue())

    def _open_camera(self, opened: bool) -> None:
        st.session_state[self._camera] = opened
