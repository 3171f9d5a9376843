// A canvas to draw on with mouse, pen or finger, which also shows a picture that was given in another way.
//
// Python gets {picture, strokes, live, count}: the drawing as a PNG data URL, or "" if the canvas is empty; its strokes,
// which Python hands back when the page is opened again; whether the stroke is still going on; and the drawing's number.
// While somebody draws, the drawing is sent every 100 ms at most, and only after Python has answered the last one.

/**
 * A stroke: the width of the pen and the points, in the canvas's own pixels. A point of a pen that feels pressure has
 * the factor of the width as its third number.
 * @typedef {{ width: number, points: [number, number, number?][] }} Stroke
 */

const LIVE_MS = 100
// The extent, as a share of the canvas's height, under which a drawing is sent with thinner strokes, so that the loops
// of a small 8 stay open; and the least factor.
const FULL_EXTENT = 0.45
const LEAST_FACTOR = 0.3

export default function (component) {
  const { parentElement, data, setStateValue } = component
  const canvas = parentElement.querySelector("canvas")
  // Streamlit calls this function with each run of the page. Canvas, strokes and listeners stay.
  canvas.send = (drawing) => setStateValue("drawing", drawing)
  canvas.answered?.(data)
  if (canvas.strokes) return

  const image = parentElement.querySelector("img")
  const hint = parentElement.querySelector(".hint")
  const undo = parentElement.querySelector("[data-do=undo]")
  const redo = parentElement.querySelector("[data-do=redo]")
  const clear = parentElement.querySelector("[data-do=clear]")
  const pen = parentElement.querySelector("input")
  /** @type {Stroke[]} */
  canvas.strokes = data.strokes ?? []
  // The strokes that were taken back, the last one first to return.
  /** @type {Stroke[]} */
  let undone = []
  /** @type {Stroke | null} */
  let current = null
  let predicted = []
  let pictureShown = null
  let lastSent = 0
  // The number of the last drawing that was sent, and whether Python has not answered it yet.
  let sent = data.count
  let waiting = false
  let changed = false
  let timer = 0
  let emptied = data.emptied

  pen.value = sessionStorage.getItem("digits pen") ?? pen.value
  pen.addEventListener("input", () => sessionStorage.setItem("digits pen", pen.value))

  // Strokes that a picture or an empty canvas takes the place of do not come back.
  function forget() {
    canvas.strokes.length = 0
    undone = []
    current = null
  }

  function showPicture({ url, name, alt }) {
    // Only a change counts: a run that started before a stroke must not bring its picture back.
    if (name === pictureShown) return
    pictureShown = name
    image.hidden = !url
    image.src = url ?? ""
    image.alt = alt ?? ""
    if (url) forget()
    paint()
  }

  function place(event) {
    const box = canvas.getBoundingClientRect()
    const scale = canvas.width / box.width
    // To a tenth of a pixel, because the strokes travel with every drawing.
    const point = [event.clientX - box.left, event.clientY - box.top].map((value) => Math.round(10 * value * scale) / 10)
    if (event.pointerType === "pen" && event.pressure > 0) point.push(Math.round(100 * (0.5 + event.pressure)) / 100)
    return point
  }

  function paint() {
    const context = canvas.getContext("2d")
    context.clearRect(0, 0, canvas.width, canvas.height)
    const growing = current ? [{ ...current, points: [...current.points, ...predicted] }] : []
    trace(context, getComputedStyle(canvas).color, [...canvas.strokes, ...growing], 1)
    undo.disabled = canvas.strokes.length === 0
    redo.disabled = undone.length === 0
    clear.disabled = canvas.strokes.length === 0 && image.hidden
    hint.hidden = growing.length > 0 || !clear.disabled
  }

  function send(live) {
    clearTimeout(timer)
    timer = 0
    lastSent = performance.now()
    waiting = true
    canvas.dataset.waiting = "true"
    sent += 1
    changed = false
    const strokes = live ? [...canvas.strokes, current] : canvas.strokes
    const drawn = strokes.length ? picture(canvas, strokes, data.scale) : ""
    canvas.send({ picture: drawn, strokes: canvas.strokes, live, count: sent })
  }

  // Sends a stroke that is going on, as soon as that is due.
  function sendSoon() {
    if (!data.live || !changed || timer || waiting || !current || current.points.length < 2) return
    timer = setTimeout(
      () => {
        timer = 0
        if (current && !waiting) send(true)
      },
      Math.max(0, lastSent + LIVE_MS - performance.now()),
    )
  }

  canvas.answered = (answer) => {
    waiting = answer.count !== sent
    canvas.dataset.waiting = waiting
    if (answer.emptied !== emptied) {
      emptied = answer.emptied
      forget()
      paint()
    }
    showPicture(answer.picture)
    sendSoon()
  }

  function finish() {
    paint()
    send(false)
  }

  function become(strokes) {
    canvas.strokes = strokes
    image.hidden = true
    finish()
    // A button that can no longer be pressed would lose the focus.
    if (strokes.length === 0 || undone.length === 0) canvas.focus({ preventScroll: true })
  }

  function takeBack() {
    undone.push(canvas.strokes.at(-1))
    become(canvas.strokes.slice(0, -1))
  }
  function bringBack() {
    become([...canvas.strokes, undone.pop()])
  }
  function wipe() {
    undone = []
    become([])
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (current || event.button !== 0) return
    canvas.setPointerCapture(event.pointerId)
    document.getSelection()?.removeAllRanges()
    // A stroke starts a drawing in the place of a picture.
    image.hidden = true
    current = { width: Number(pen.value), points: [place(event)] }
    paint()
  })
  canvas.addEventListener("pointermove", (event) => {
    if (!current || !canvas.hasPointerCapture(event.pointerId)) return
    const moves = event.getCoalescedEvents?.() ?? []
    current.points.push(...(moves.length ? moves : [event]).map(place))
    predicted = (event.getPredictedEvents?.() ?? []).map(place)
    paint()
    changed = true
    sendSoon()
  })
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => {
      if (!current || !canvas.hasPointerCapture(event.pointerId)) return
      canvas.strokes.push(current)
      undone = []
      current = null
      predicted = []
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
    if (current) return
    const command = event.ctrlKey || event.metaKey
    const key = event.key.toLowerCase()
    if (command && (key === "y" || (key === "z" && event.shiftKey))) {
      if (undone.length) bringBack()
    } else if (canvas.strokes.length && key === "z" && command) takeBack()
    else if (canvas.strokes.length && event.key === "Backspace") takeBack()
    else if (!clear.disabled && (event.key === "Delete" || event.key === "Escape")) wipe()
    else return
    event.preventDefault()
  })
  undo.addEventListener("click", takeBack)
  redo.addEventListener("click", bringBack)
  clear.addEventListener("click", wipe)
  // The theme has changed, and the color of the ink with it.
  canvas.addEventListener("transitionend", paint)
  showPicture(data.picture)
  paint()
}

// Draws strokes as smooth curves through the middles between their points, their widths multiplied by `factor`.
function trace(context, ink, strokes, factor) {
  context.strokeStyle = ink
  context.lineCap = context.lineJoin = "round"
  for (const { width, points } of strokes) {
    context.lineWidth = width * factor
    context.beginPath()
    context.moveTo(points[0][0], points[0][1])
    points.forEach(([x, y, pressure], i) => {
      const [nextX, nextY] = points[i + 1] ?? [x, y]
      const [middleX, middleY] = [(x + nextX) / 2, (y + nextY) / 2]
      context.quadraticCurveTo(x, y, middleX, middleY)
      if (pressure === undefined) return
      // Each piece has a width of its own.
      context.lineWidth = width * factor * pressure
      context.stroke()
      context.beginPath()
      context.moveTo(middleX, middleY)
    })
    // A touch without a move is a dot.
    context.lineTo(...points.at(-1).slice(0, 2))
    context.stroke()
  }
}

// The longer side of the box around all points, in the canvas's pixels.
function extent(strokes) {
  const points = strokes.flatMap((stroke) => stroke.points)
  const sides = [0, 1].map((axis) => points.map((point) => point[axis]))
  return Math.max(...sides.map((values) => Math.max(...values) - Math.min(...values)))
}

// The drawing in black on white, on a sheet of `scale` times the canvas's sides. The strokes of a small drawing are
// thinner than they are on the screen.
function picture(canvas, strokes, scale) {
  const paper = document.createElement("canvas")
  paper.width = scale * canvas.width
  paper.height = scale * canvas.height
  const context = paper.getContext("2d")
  context.fillStyle = "white"
  context.fillRect(0, 0, paper.width, paper.height)
  context.scale(scale, scale)
  const factor = extent(strokes) / (FULL_EXTENT * canvas.height)
  trace(context, "black", strokes, Math.min(1, Math.max(LEAST_FACTOR, factor)))
  return paper.toDataURL("image/png")
}
