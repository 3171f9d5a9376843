// Watches for files that are too large to be uploaded, chosen or dropped: Streamlit keeps them back in the browser, and
// Python would not learn of them. Python gets "all" or "some".

export default function (component) {
  const { parentElement, data, setTriggerValue } = component
  const mark = parentElement.querySelector("span")
  // Called anew with every run of the page.
  mark.listeners?.abort()
  mark.listeners = new AbortController()
  const { signal } = mark.listeners

  function watch(event) {
    const uploader = event.composedPath().find((element) => element.dataset?.testid === "stFileUploader")
    const files = uploader ? [...(event.dataTransfer?.files ?? event.target.files ?? [])] : []
    const large = files.filter((file) => file.size > data.max_bytes)
    if (large.length) setTriggerValue("too_large", large.length === files.length ? "all" : "some")
  }

  for (const kind of ["change", "drop"]) document.addEventListener(kind, watch, { signal, capture: true })
  return () => mark.listeners.abort()
}
