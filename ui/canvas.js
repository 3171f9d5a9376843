// A canvas to draw on with mouse, pen or finger. After each stroke Python gets the drawing as a PNG data URL, or ""
// if there is none.

// The canvas's own pixels; it is shown as large as there is room.
const STROKE_WIDTH = 44

export default function (component) {
  const { parentElement, setStateValue } = component
  const canvas = parentElement.querySelector("canvas")
  // Called anew with every run of the page; the canvas, its strokes and its listeners stay.
  canvas.send = (drawing) => setStateValue("drawing", drawing)
  if (canvas.strokes) return
  canvas.strokes = []

  const context = canvas.getContext("2d")
  const undo = parentElement.querySelector("[data-do=undo]")
  const clear = parentElement.querySelector("[data-do=clear]")
  let current = null

  function place(event) {
    const box = canvas.getBoundingClientRect()
    const scale = canvas.width / box.width
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale]
  }

  function paint() {
    context.fillStyle = "white"
    context.fillRect(0, 0, canvas.width, canvas.height)
    context.strokeStyle = "black"
    context.lineWidth = STROKE_WIDTH
    context.lineCap = context.lineJoin = "round"
    for (const stroke of current ? [...canvas.strokes, current] : canvas.strokes) {
      context.beginPath()
      context.moveTo(...stroke[0])
      // A touch without a move is a dot.
      for (const point of stroke) context.lineTo(...point)
      context.stroke()
    }
    undo.disabled = clear.disabled = canvas.strokes.length === 0
  }

  function finish() {
    paint()
    canvas.send(canvas.strokes.length ? canvas.toDataURL("image/png") : "")
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (current || event.button !== 0) return
    canvas.setPointerCapture(event.pointerId)
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
  undo.addEventListener("click", () => {
    canvas.strokes.pop()
    finish()
  })
  clear.addEventListener("click", () => {
    canvas.strokes = []
    finish()
  })
  paint()
}
