// A confusion matrix as a table of buttons: each cell that counts something can be clicked, or reached with Tab and the
// arrow keys. Python gets the chosen cell as [true digit, digit read].

const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }

function build(table, { counts, labels, name, corner }, most) {
  table.setAttribute("aria-label", name)
  const header = table.createTHead().insertRow()
  header.innerHTML = `<td class="corner"></td>${counts.map((_, i) => `<th scope="col">${i}</th>`).join("")}`
  header.firstChild.textContent = corner
  const body = table.createTBody()
  counts.forEach((row, i) => {
    const line = body.insertRow()
    line.innerHTML = `<th scope="row">${i}</th>`
    row.forEach((count, j) => {
      const cell = line.insertCell()
      const button = document.createElement("button")
      button.type = "button"
      button.textContent = count || "·"
      button.disabled = count === 0
      button.dataset.row = i
      button.dataset.column = j
      button.setAttribute("aria-label", labels[i][j])
      button.title = labels[i][j]
      if (i === j) button.classList.add("right")
      // Colored by mistakes alone: the diagonal is a hundred times larger and would hide them.
      else button.style.setProperty("--share", count / most)
      cell.append(button)
    })
  })
}

export default function (component) {
  const { parentElement, setStateValue, data } = component
  const table = parentElement.querySelector("table")
  const { counts, chosen } = data
  const content = JSON.stringify([counts, data.name])
  // Called anew with every run of the page; a table that shows the same stays, and keeps the focus.
  if (table.content !== content) {
    table.content = content
    table.replaceChildren()
    const mistakes = counts.flatMap((row, i) => row.filter((_, j) => i !== j))
    build(table, data, Math.max(1, ...mistakes))
  }

  const at = (row, column) => table.querySelector(`button[data-row="${row}"][data-column="${column}"]`)
  const mark = ([row, column]) => {
    for (const button of table.querySelectorAll("button")) {
      const isChosen = button === at(row, column)
      button.setAttribute("aria-pressed", isChosen)
      button.tabIndex = isChosen ? 0 : -1
    }
  }
  mark(chosen)

  table.onclick = (event) => {
    const button = event.target.closest("button")
    if (!button || button.disabled) return
    const cell = [Number(button.dataset.row), Number(button.dataset.column)]
    mark(cell)
    setStateValue("cell", cell)
  }
  table.onkeydown = (event) => {
    const move = MOVES[event.key]
    const button = event.target.closest("button")
    if (!move || !button) return
    event.preventDefault()
    let row = Number(button.dataset.row)
    let column = Number(button.dataset.column)
    // Past the cells that count nothing.
    let next
    do {
      row += move[0]
      column += move[1]
      next = at(row, column)
    } while (next && next.disabled)
    if (next) next.focus()
  }
}
