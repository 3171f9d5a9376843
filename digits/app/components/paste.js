// Takes a picture from the clipboard: with Ctrl+V anywhere on the page, or with the button where the browser lets a
// page read the clipboard. Python gets it once, as a data URL, or a word that says why there is none.

export default function (component) {
  const { parentElement, data, setTriggerValue } = component
  const button = parentElement.querySelector("button")
  // Called anew with every run of the page.
  button.listeners?.abort()
  button.listeners = new AbortController()
  const { signal } = button.listeners

  const tell = (problem) => setTriggerValue("problem", problem)

  function take(file) {
    if (!file) return tell("none")
    if (file.size > data.max_bytes) return tell("large")
    const reader = new FileReader()
    reader.onload = () => setTriggerValue("picture", reader.result)
    reader.onerror = () => tell("none")
    reader.readAsDataURL(file)
  }

  async function read() {
    // Only where the page came over HTTPS or from this computer, and not in older browsers.
    if (!navigator.clipboard?.read) return tell("keys")
    try {
      for (const item of await navigator.clipboard.read()) {
        const type = item.types.find((type) => type.startsWith("image/"))
        if (type) return take(await item.getType(type))
      }
      take(null)
    } catch (error) {
      // Any other error is that of an empty clipboard.
      error.name === "NotAllowedError" ? tell("refused") : take(null)
    }
  }

  button.addEventListener("click", read, { signal })
  document.addEventListener(
    "paste",
    (event) => {
      const items = [...(event.clipboardData?.items ?? [])]
      const file = items.find((item) => item.kind === "file" && item.type.startsWith("image/"))?.getAsFile()
      // Text goes into the field for which it is meant.
      if (!file && isField(event.composedPath()[0])) return
      event.preventDefault()
      take(file)
    },
    { signal },
  )
  // Without it Safari pastes into fields alone.
  document.addEventListener(
    "beforepaste",
    (event) => isField(event.composedPath()[0]) || event.preventDefault(),
    { signal },
  )
  return () => button.listeners.abort()
}

function isField(element) {
  return element instanceof HTMLElement && (element.isContentEditable || element.matches("input, textarea"))
}
