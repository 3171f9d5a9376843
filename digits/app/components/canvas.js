// A canvas to draw on with mouse, pen or finger. After each stroke Python gets the drawing: its picture as a PNG data
// URL, or "" if there is none, and its strokes, which it gives to the next canvas, when the page was left and is back.

// The canvas's own pixels; it is shown as large as there is room.
const STROKE_WIDTH = 44

export default function (component) {
  const { parentElement, data, setStateValue } = component
  const canvas = parentElement.querySelector("canvas")
  // Called anew with every run of the page; the canvas, its strokes and its listeners stay.
  canvas.send = (drawing) => setStateValue("drawing", drawing)
  if (canvas.strokes) return
  canvas.strokes = data?.strokes ?? []

  const undo = parentElement.querySelector("[data-do=undo]")
  const clear = parentElement.querySelector("[data-do=clear]")
  let current = null

  function place(event) {
    const box = canvas.getBoundingClientRect()
    const scale = canvas.width / box.width
    // To a tenth of a pixel: the strokes travel with every drawing.
    return [event.clientX - box.left, event.clientY - box.top].map((length) => Math.round(10 * length * scale) / 10)
  }

  function paint() {
    const context = canvas.getContext("2d")
    context.clearRect(0, 0, canvas.width, canvas.height)
    trace(context, getComputedStyle(canvas).color, current ? [...canvas.strokes, current] : canvas.strokes)
    undo.disabled = clear.disabled = canvas.strokes.length === 0
  }

  function finish() {
    paint()
    canvas.send({ picture: canvas.strokes.length ? picture(canvas) : "", strokes: canvas.strokes })
  }

  function keep(count) {
    canvas.strokes.length = count
    // A button that can no longer be pressed would lose the focus.
    if (count === 0) canvas.focus({ preventScroll: true })
    finish()
  }

  const takeBack = () => keep(canvas.strokes.length - 1)
  const wipe = () => keep(0)

  canvas.addEventListener("pointerdown", (event) => {
    if (current || event.button !== 0) return
    canvas.setPointerCapture(event.pointerId)
    document.getSelection()?.removeAllRanges()
    current = [place(event)]
    paint()
  })
  canvas.addEventListener("pointermove", (event) => {
    if (!current || !canvas.hasPointerCapture(event.pointerId)) return
    const moves = event.getCoalescedEvents?.() ?? []
    current.push(...(moves.length ? moves : [event]).map(place))
    paint()
  })
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => {
      if (!current || !canvas.hasPointerCapture(event.pointerId)) return
      canvas.strokes.push(current)
      current = null
      finish()
    })
  }
  // A press on selected text would start a drag of the text, which cancels the stroke.
  canvas.addEventListener("mousedown", (event) => {
    event.preventDefault()
    canvas.focus({ preventScroll: true })
  })
  canvas.addEventListener("dragstart", (event) => event.preventDefault())
  // Else the end of a fast stroke would count as a fling, and Chromium would not take the tap on a button after it.
  canvas.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false })
  canvas.addEventListener("keydown", (event) => {
    if (!canvas.strokes.length || current) return
    if (event.key === "z" && (event.ctrlKey || event.metaKey)) takeBack()
    else if (event.key === "Backspace") takeBack()
    else if (event.key === "Delete" || event.key === "Escape") wipe()
    else return
    event.preventDefault()
  })
  undo.addEventListener("click", takeBack)
  clear.addEventListener("click", wipe)
  // The theme has changed, and the color of the ink with it.
  canvas.addEventListener("transitionend", paint)
  paint()
}

function trace(context, ink, strokes) {
  context.strokeStyle = ink
  context.lineWidth = STROKE_WIDTH
  context.lineCap = context.lineJoin = "round"
  for (const stroke of strokes) {
    context.beginPath()
    context.moveTo(...stroke[0])
    // A touch without a move is a dot.
    for (const point of stroke) context.lineTo(...point)
    context.stroke()
  }
}

// The drawing in black on white.
function picture(canvas) {
  const paper = document.createElement("canvas")
  paper.width = canvas.width
  paper.height = canvas.height
  const context = paper.getContext("2d")
  context.fillStyle = "white"
  context.fillRect(0, 0, paper.width, paper.height)
  trace(context, "black", canvas.strokes)
  return paper.toDataURL("image/png")
}
