// A strip of sample pictures that scrolls sideways. Each whole picture is a button; the strip is one tab stop, in which
// the arrow keys move. Python gets the name of the sample that was chosen.

export default function (component) {
  const { parentElement, data, setTriggerValue } = component
  const strip = parentElement.querySelector(".strip")
  strip.choose = (name) => setTriggerValue("chosen", name)
  if (strip.children.length) return

  strip.setAttribute("aria-label", data.name)
  for (const { name, label, url } of data.samples) {
    const button = document.createElement("button")
    button.type = "button"
    button.tabIndex = strip.children.length ? -1 : 0
    button.setAttribute("aria-label", label)
    button.title = label
    const image = new Image()
    image.src = url
    image.alt = ""
    button.append(image)
    button.addEventListener("click", () => {
      strip.choose(name)
      // On a phone, whoever has scrolled down to the samples would not see the answer.
      document.querySelector("[data-testid=stMain]")?.scrollTo({ top: 0 })
    })
    strip.append(button)
  }
  strip.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    const buttons = [...strip.children]
    const next = buttons[buttons.indexOf(event.target) + step]
    if (!next) return
    event.preventDefault()
    for (const button of buttons) button.tabIndex = button === next ? 0 : -1
    next.focus()
  })
}
