// The answer: digit, sentence and ten bars, which move to their new heights. The elements stay from one answer to the
// next, so that nothing blinks. A live region reads out each answer that is final.

const SHARES = Array.from({ length: 10 }, (_, digit) => digit)

function build(bars) {
  for (const digit of SHARES) {
    const column = document.createElement("div")
    column.className = "column"
    column.innerHTML = `<span class="share"></span><span class="track"><span class="bar"></span></span><b>${digit}</b>`
    bars.append(column)
  }
}

export default function (component) {
  const { parentElement, data } = component
  const find = (name) => parentElement.querySelector(`.${name}`)
  const bars = find("bars")
  if (!bars.children.length) build(bars)

  Object.assign(find("answer").dataset, { certainty: data.certainty, live: data.live })
  const digit = find("digit")
  digit.textContent = data.shown
  digit.setAttribute("aria-label", data.spoken_digit)
  find("sentence").textContent = data.sentence
  find("confidence").textContent = data.confidence
  bars.setAttribute("aria-label", data.spoken_bars)
  data.probabilities.forEach((probability, i) => {
    const column = bars.children[i]
    column.classList.toggle("highest", i === data.highest)
    column.querySelector(".bar").style.transform = `scaleY(${probability})`
    column.querySelector(".share").textContent = data.shares[i]
  })
  const region = find("announcement")
  if (!data.live && region.textContent !== data.announcement) region.textContent = data.announcement
}
